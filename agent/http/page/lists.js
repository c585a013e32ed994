// lists.js: rules, holds, the journal, and the configuration.
import { $, now, auth, el, span, clock, ago, ask } from './base.js';
import { lift } from './dialogs.js';

const JOURNAL_KEPT = 200;

// --- rules, holds -----------------------------------------------------------------------------

export function effectText(effect) {
	if (effect === 0) return 'weight 0';
	if (effect && typeof effect === 'object') return `weight ${effect.replace}`;
	return /%$/.test(effect) ? `${effect} of its weight` : String(effect);
}
export function showRules() {
	const rows = now.rules.map((r) => {
		const s = r.states || {}, of = r.targets || [], refused = Object.entries(r.refused || {}).filter(([, n]) => n);
		const said = ['firing', 'recovering', 'pending'].filter((k) => s[k]).map((k) => el('div', { class: k === 'pending' ? 'pending' : 'firing' }, `${k} on ${s[k]}`));
		return el('tr', {}, el('td', {}, el('b', {}, r.name), r.enforce && r.enforce !== 'on' ? el('span', { class: 'dim' }, ` (${r.enforce})`) : null, el('div', { class: 'expr mono' }, r.alert ? `alert ${r.alert}` : r.expr || '')),
			el('td', {}, [].concat(r.action || []).join(', ')),
			el('td', {}, said.length ? said : el('span', { class: 'dim' }, 'quiet'), of.slice(0, 6).map((t) => el('div', { class: 'dim' }, `${t.service}/${t.realserver}` + (t.refused_by ? `: ${t.refused_by}` : ''))), of.length > 6 ? el('div', { class: 'dim' }, `and ${of.length - 6} more`) : null),
			el('td', { class: 'num dim figures' }, `acted ${r.enforced || 0} ×`, refused.map(([g, n]) => el('div', {}, `${n} × ${g}`))));
	});
	$('rules').replaceChildren(rows.length ? el('table', { class: 'list' }, el('tbody', {}, rows)) : el('p', { class: 'empty' }, 'No rules.'));
}
export function showHolds() {
	const list = now.holds.slice(0, 100);
	const rows = list.map((h) => el('tr', {},
		el('td', {}, el('b', {}, h.realserver === '*' ? h.service : `${h.service}/${h.realserver}`), el('div', { class: 'dim' }, `${h.class} ${h.class === 'alert' && h.rule ? h.rule : h.holder}`)),
		el('td', {}, effectText(h.effect) + (h.waiting ? ', waits' : ''), el('div', { class: 'dim' }, h.reason || '')),
		el('td', { class: 'num dim' }, `since ${ago(h.since)}`, h.until ? el('div', {}, `${span(new Date(h.until) - Date.now())} left`) : null,
			auth.writes && h.class !== 'rule' && h.class !== 'agent' ? el('button', { class: 'small', type: 'button', on: { click: () => lift(h) } }, 'Lift') : null)));
	$('holds').replaceChildren(rows.length ? el('table', { class: 'list' }, el('tbody', {}, rows)) : el('p', { class: 'empty' }, 'None: every weight is as configured.'));
	if (now.holds.length > list.length) $('holds').append(el('p', { class: 'empty' }, `and ${now.holds.length - list.length} more`));
}

// --- journal -------------------------------------------------------------------------------------

// By kind: what is said of a line, and how it sounds.
// Effects as the journal has them: numbers, where what is no weight has one above 100.
const EFFECTS = { '-1': () => 'remove it', 102: () => 'freeze', 103: () => 'admit it', 104: (l) => `weight ${l.weight}`, 105: (l) => `${l.weight}% of its weight` };
const effect = (l) => (EFFECTS[l.effect] ? EFFECTS[l.effect](l) : l.effect > 0 ? `${l.effect}% of its weight` : 'weight 0');
const whose = (l) => `${l.class} ${l.class === 'alert' && l.rule ? l.rule : l.holder}`;
const why = (l) => (l.reason ? `: ${l.reason}` : '');
const SAID = {
	start: (l) => [`the agent started, version ${l.version}`],
	stop: () => ['the agent stopped', 'note'],
	config: (l) => [`configuration ${l.generation} in force`],
	verdict: (l) => [`probe ${l.probe}: ${l.unknown ? 'cannot tell' : l.verdict}` + (l.reason && l.reason !== 'ok' ? ` (${l.reason})` : ''), l.unknown ? 'note' : l.verdict === 'down' ? 'bad' : l.verdict === 'up' ? 'good' : ''],
	rule: (l) => [`rule ${l.rule}: ${l.from} → ${l.to}`, l.to === 'firing' ? 'note' : ''],
	hold: (l) => [`${whose(l)} holds it${why(l)}`, 'bad'],
	release: (l) => [`${whose(l)} lets it go${why(l)}`, 'good'],
	refused: (l) => [`rule ${l.rule} would act, but ${l.guard} refuses it${why(l)}`, 'note'],
	panic: (l) => [l.on ? 'panic: no realserver is up' : 'panic is over', l.on ? 'bad' : 'good'],
	weight: (l) => [`weight ${l.from} → ${l.to}` + (l.by ? ` (${l.by})` : ''), l.to > l.from ? 'good' : 'note'],
	asked: (l) => [`${whose(l)} asks: ${effect(l)}${why(l)}`, 'note'],
	ended: (l) => [`${whose(l)} let go: ${effect(l)}${why(l)}`, 'good'],
	order: (l) => [`${l.by} orders: ${l.order} ${l.target && l.target !== '*' ? l.target : ''}${l.outcome && l.outcome !== 'done' ? `, refused by ${l.outcome}` : ''}`, ''],
	freeze: (l) => [l.on ? `frozen${why(l)}` : 'thawed', 'note'],
	drain: (l) => [`drain: ${l.state}${why(l)}`, l.state === 'drained' ? 'good' : 'note'],
	drift: (l) => [`somebody else set ${l.found}, ${l.expected} was written: ${l.verdict}`, 'note'],
};
const QUIET = new Set(['sample', 'kernel', 'ramp', 'restored']);

export function line(l, fresh) {
	if (QUIET.has(l.what) || (l.what === 'rule' && l.from === l.to)) return;
	const [said, tone] = (SAID[l.what] || ((x) => [x.what]))(l);
	const of = l.service && l.service !== '*' ? l.service + (l.realserver && l.realserver !== '*' ? '/' + l.realserver : '') : '';
	const li = el('li', { class: [tone || '', fresh ? 'new' : ''].join(' ').trim() },
		el('time', { title: new Date(l.t).toISOString() }, clock(l.t)), el('span', { class: 'of' }, of), el('span', { class: 'said' }, said));
	$('journal').prepend(li);
	while ($('journal').children.length > JOURNAL_KEPT) $('journal').lastChild.remove();
}

// --- configuration ---

let configShown = false;
export async function config() {
	if (!$('config').open || configShown) return;
	try {
		const c = await ask('GET', '/api/v1/config');
		configShown = true;
		const short = (f) => (f || '').split('/').pop();
		$('config-body').replaceChildren(...c.sections.map((s) => el('div', {},
			el('h3', { class: 'mono' }, `[${s.type}${s.name ? ' ' + s.name : ''}]`, el('span', { class: 'dim' }, s.line ? `  ${short(s.file)}:${s.line}` : '  built in')),
			el('table', { class: 'keys mono' }, el('tbody', {}, s.keys.map((k) => el('tr', { class: k.default ? 'default' : '' }, el('td', { class: 'line' }, k.line ? String(k.line) : ''), el('td', {}, k.key), el('td', {}, String(k.value)))))))));
	} catch (e) { $('config-body').replaceChildren(el('p', { class: 'error' }, e.message)); }
}
