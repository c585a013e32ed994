# bash completion for ipvs-agent: printed by `ipvs-agent completion bash`.
# shellcheck shell=bash disable=SC2016 # compgen expands what stands in $rest

# What the agent knows; as it is asked in the line that is being written.
_ipvs_agent_targets()
{
	ipvs-agent targets "${agent[@]}" "$@" 2>/dev/null
}

_ipvs_agent()
{
	local line=${COMP_LINE:0:COMP_POINT} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local cur=${line##*[[:space:]]} command='' options='' rest='' files='' word i
	local -a agent=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--config|-c|--socket|-s|--run|--junit|--timeout|--for|-f|--reason|-r|--holder|--class|--limit|-n|--interval|-i|--sort)
			# Bash breaks words at = and :, too.
			[ "${COMP_WORDS[i + 1]}" != = ] || ((i++))
			((i++))
			case $word in
			--config|-c|--socket|-s) agent+=("$word" "${COMP_WORDS[i]}") ;;
			esac ;;
		-*) ;;
		*) [ -n "$command" ] || command=$word ;;
		esac
	done
	if [[ $cur == --*=* ]]; then
		prev=${cur%%=*}
		cur=${cur#*=}
	fi
	COMPREPLY=()
	case $prev in
	--config|-c|--socket|-s|--junit)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	--class)
		mapfile -t COMPREPLY < <(compgen -W 'rule agent alert operator' -- "$cur")
		return ;;
	--sort)
		mapfile -t COMPREPLY < <(compgen -W 'connections rate latency weight name state' -- "$cur")
		return ;;
	--run|--timeout|--for|-f|--reason|-r|--holder|--limit|-n|--interval|-i) return ;;
	esac
	case $command in
	run) options=' --config --help --version' ;;
	check) options=' --config --json --strict --help --version' ;;
	plan) options=' --config --json --help --version' ;;
	doctor) options=' --config --socket --json --help --version' ;;
	status) options=' --config --socket --json --help --version' rest='$(_ipvs_agent_targets services)' ;;
	top) options=' --config --socket --json --interval --sort --once --help --version' rest='$(_ipvs_agent_targets services)' ;;
	explain) options=' --config --socket --json --help --version' rest='$(_ipvs_agent_targets)' ;;
	probe) options=' --config --socket --json --count --help --version' rest='$(_ipvs_agent_targets)' ;;
	drain) options=' --config --socket --json --wait --timeout --for --reason --force --holder --help --version' rest='$(_ipvs_agent_targets)' ;;
	undrain) options=' --config --socket --json --holder --all --help --version' rest='$(_ipvs_agent_targets)' ;;
	admit) options=' --config --socket --json --for --reason --holder --end --help --version' rest='$(_ipvs_agent_targets)' ;;
	weight) options=' --config --socket --json --for --reason --holder --help --version' rest='$(_ipvs_agent_targets)' ;;
	freeze) options=' --config --socket --json --for --reason --holder --help --version' ;;
	thaw) options=' --config --socket --json --help --version' ;;
	role) options=' --config --socket --json --help --version' rest='master backup fault' ;;
	holds) options=' --config --socket --json --class --help --version' rest='$(_ipvs_agent_targets)' ;;
	rules) options=' --config --socket --json --help --version' ;;
	journal) options=' --config --socket --json --limit --follow --help --version' rest='$(_ipvs_agent_targets)' ;;
	config) options=' --config --socket --json --sample --running --help --version' ;;
	test) options=' --json --run --junit --verbose --help --version' files=1 ;;
	replay) options=' --config --json --verbose --help --version' files=1 ;;
	import) options=' --json --help --version' rest='lvs.cf ipvsadm running keepalived ldirectord' files=1 ;;
	reload) options=' --config --socket --json --help --version' ;;
	completion) options=' --help --version' rest='bash zsh fish' ;;
	version) options=' --json --help --version' ;;
	help) options=' --help --version' rest='run check plan doctor status top explain probe drain undrain admit weight freeze thaw role holds rules journal config test replay import reload completion version help' ;;
	'') options='--config --socket --help --version' rest='run check plan doctor status top explain probe drain undrain admit weight freeze thaw role holds rules journal config test replay import reload completion version help' ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	elif [ -n "$files" ] && [[ -z $rest || " $rest " == *" $prev "* ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$rest" -- "$cur")
	fi
	# What stands before the last colon is a word of its own.
	if [[ $cur == *:* ]]; then
		word=${cur%:*}:
		COMPREPLY=("${COMPREPLY[@]#"$word"}")
	fi
}

complete -F _ipvs_agent ipvs-agent
