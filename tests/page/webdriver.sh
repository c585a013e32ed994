# shellcheck shell=bash
# webdriver.sh: a headless Chromium, driven over WebDriver (W3C) by chromedriver.
# Sourced by tests/page/run; needs chromium, chromium-driver, curl and jq.

driver_url=''
driver_pid=''
session=''

# wd METHOD PATH [JSON]: a command of the session; prints its value.
wd() {
	local answer

	answer=$(curl -sS --max-time 60 -X "$1" -H 'Content-Type: application/json' \
		${3+--data-binary "$3"} "$driver_url/session/$session$2") || return 1
	if [ "$(jq -r '.value | objects | .error // empty' <<<"$answer")" ]; then
		jq -r '.value | "webdriver: \(.error): \(.message)"' <<<"$answer" | head -3 >&2
		return 1
	fi
	jq -r '.value' <<<"$answer"
}

# browser_start WIDTH HEIGHT [dark]
browser_start() {
	local port profile flags

	profile=$(mktemp -d "${TMPDIR:-/tmp}/page.XXXXXX")
	if [ -z "$driver_url" ]; then
		coproc DRIVER { exec chromedriver --port=0 2>&1; }
		# shellcheck disable=SC2153 # coproc sets it
		driver_pid=$DRIVER_PID
		while read -r -t 30 -u "${DRIVER[0]}" said; do
			port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' <<<"$said")
			[ -z "$port" ] || break
		done
		[ -n "$port" ] || return 1
		driver_url=http://127.0.0.1:$port
	fi
	flags=(--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run
		--disable-background-networking --disable-component-update --disable-sync
		--disable-dev-shm-usage --hide-scrollbars "--window-size=$1,$2"
		"--user-data-dir=$profile")
	[ "${3:-}" != dark ] || flags+=(--force-dark-mode --blink-settings=preferredColorScheme=0)
	session=$(jq -n '{capabilities: {alwaysMatch: {browserName: "chrome",
		"goog:loggingPrefs": {browser: "ALL"},
		"goog:chromeOptions": {binary: $binary, args: $ARGS.positional}}}}' \
		--arg binary "$(command -v chromium)" --args -- "${flags[@]}" |
		curl -sS --max-time 60 -H 'Content-Type: application/json' --data-binary @- \
			"$driver_url/session" | jq -r '.value.sessionId // empty')
	[ -n "$session" ] || return 1
	# A phone's width is below what a window may have: the device is told.
	cdp Emulation.setDeviceMetricsOverride \
		"{\"width\":$1,\"height\":$2,\"deviceScaleFactor\":1,\"mobile\":false}" >/dev/null
}

cdp() {
	wd POST /goog/cdp/execute "$(jq -n --arg cmd "$1" --argjson params "$2" \
		'{cmd: $cmd, params: $params}')"
}

browser_stop() {
	[ -z "$session" ] || wd DELETE "" >/dev/null 2>&1
	session=
}

driver_stop() {
	browser_stop
	[ -z "$driver_pid" ] || kill "$driver_pid" 2>/dev/null
	driver_pid=''
	driver_url=''
}

visit() {
	wd POST /url "$(jq -n --arg url "$1" '{url: $url}')" >/dev/null
}

# js EXPRESSION: its value in the page.
js() {
	wd POST /execute/sync "$(jq -n --arg script "return ($1)" '{script: $script, args: []}')"
}

# js_until SECONDS EXPRESSION: until it is true; the page itself waits, nobody polls.
js_until() {
	wd POST /timeouts '{"script": 120000}' >/dev/null
	[ "$(wd POST /execute/async "$(jq -n --arg what "$2" --argjson ms "$(($1 * 1000))" '{args: [],
		script: ("const done = arguments[arguments.length - 1];
			const test = () => { try { return (" + $what + "); } catch (e) { return false; } };
			if (test()) { done(true); return; }
			const end = (v) => { seen.disconnect(); clearTimeout(late); done(v); };
			const seen = new MutationObserver(() => { if (test()) end(true); });
			seen.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
			const late = setTimeout(() => end(test()), " + ($ms | tostring) + ");")}')")" = true ]
}

# click SELECTOR, type_in SELECTOR TEXT: as a hand does.
element() {
	wd POST /element "$(jq -n --arg css "$1" '{using: "css selector", value: $css}')" | jq -r '.[]'
}
click() {
	wd POST "/element/$(element "$1")/click" '{}' >/dev/null
}
type_in() {
	wd POST "/element/$(element "$1")/value" "$(jq -n --arg text "$2" '{text: $text}')" >/dev/null
}

# screenshot FILE: the whole page, as high as it is.
screenshot() {
	local size

	size=$(cdp Page.getLayoutMetrics '{}' | jq -c '.cssContentSize')
	cdp Page.captureScreenshot "$(jq -n --argjson size "$size" '{format: "png",
		captureBeyondViewport: true, clip: {x: 0, y: 0, width: $size.width,
		height: ([$size.height, 4000] | min), scale: 1}}')" | jq -r .data | base64 -d >"$1"
}

# What the browser complained of: scripts, the content security policy, what failed.
complaints() {
	wd POST /se/log '{"type": "browser"}' | jq -r '.[] | select(.level == "SEVERE") | .message'
}
