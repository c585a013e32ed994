# shellcheck shell=bash
# The kill under traffic through ipip tunnels, on realservers that were never
# anything else: quiesced in time, no connection to another server cut, no failure
# once the weight is 0, back after `rise` good probes.
#
# peers: nginx ipvsadm
# deadline: 120
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../kill.sh disable=SC1091
. "$(dirname "$0")/../kill.sh"

kill_topology tunnel
kill_round tunnel

done_testing
