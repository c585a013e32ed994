// page.js: the status page's round: asks the agent's own API, as anybody could, for what
// stands now (/api/v1/services, holds, rules) and for what happens (/api/v1/events).
import { $, now, text, cls, ask, Refused, hooks } from './base.js';
import { show, showTroubles } from './pool.js';
import { showRules, showHolds, line, config } from './lists.js';
import { whoami, login, freeze, close } from './dialogs.js';

const POLL_MS = 2000;

// --- the round ------------------------------------------------------------------------------------

let timer, busy = false, again = false, pace = POLL_MS;
async function round() {
	if (busy) { again = true; return; }
	busy = true;
	again = false;
	clearTimeout(timer);
	const begun = performance.now();
	try {
		const [services, holds, rules] = await Promise.all([ask('GET', '/api/v1/services?max_age=1s'), ask('GET', '/api/v1/holds'), ask('GET', '/api/v1/rules')]);
		services.came = Date.now();
		now.services = services;
		now.holds = holds.holds;
		now.frozen = holds.frozen;
		now.rules = rules.rules;
		show();
		showRules();
		showHolds();
		document.body.dataset.rounds = String(Number(document.body.dataset.rounds || 0) + 1);
	} catch (e) {
		showTroubles([e instanceof Refused ? e.message : 'the agent does not answer; what is shown is what it said last']);
	}
	/* A table of a hundred thousand takes its time: it is not asked for more than a tenth of it. */
	pace = Math.max(POLL_MS, 10 * (performance.now() - begun));
	busy = false;
	timer = setTimeout(round, again ? 300 : document.hidden ? 5 * pace : pace);
}
let soon;
function hurry() {
	if (pace > POLL_MS * 2 || soon) return;
	soon = setTimeout(() => { soon = null; round(); }, 150);
}

// --- what happens ---

let lastSeq = 0;
function heard(event) {
	const l = JSON.parse(event.data);
	if (l.seq && l.seq <= lastSeq && l.what !== 'start') return;
	lastSeq = l.seq || lastSeq;
	line(l, true);
	hurry();
}
async function listen() {
	try {
		for (const l of (await ask('GET', '/api/v1/journal?limit=80')).lines || []) { lastSeq = l.seq || lastSeq; line(l, false); }
	} catch (e) { /* without a state directory there is no journal: events come all the same */ }
	const source = new EventSource('/api/v1/events');
	let beat;
	const alive = () => {
		cls($('live'), 'live on');
		text($('live'), 'live');
		clearTimeout(beat);
		beat = setTimeout(() => { cls($('live'), 'live off'); text($('live'), 'no heartbeat'); }, 25000);
	};
	source.addEventListener('hello', (e) => { const v = JSON.parse(e.data); text($('version'), 'ipvs-agent ' + (v.version || '')); alive(); hurry(); });
	source.addEventListener('heartbeat', alive);
	source.addEventListener('journal', (e) => { alive(); heard(e); });
	source.addEventListener('lost', hurry);
	source.onerror = () => { cls($('live'), 'live off'); text($('live'), 'reconnecting'); };
}

text($('where'), location.host);
$('filter').addEventListener('input', show);
$('only').addEventListener('change', show);
$('login').addEventListener('click', login);
$('freeze').addEventListener('click', freeze);
$('config').addEventListener('toggle', config);
$('dialog').addEventListener('click', (e) => { if (e.target === $('dialog')) close(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden) round(); });
setInterval(showHolds, 15000);
hooks.hurry = hurry;
hooks.show = () => { show(); showHolds(); };
round().then(() => whoami().catch(() => {}));
listen();
