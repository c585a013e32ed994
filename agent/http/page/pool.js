// pool.js: the director at a glance, and its services with their realservers.
import { $, STATES, now, auth, el, text, cls, width, big, bits, took, span, clock, plural, spark, sparkNew, rate, keep, holdsOf, drains } from './base.js';
import { act, explain } from './dialogs.js';
import { effectText } from './lists.js';

const MANY = 60; // realservers: beyond, only services that need a look are open
const opened = new Map(); // services that somebody opened or closed by hand
const cards = new Map();  // by service: its element and its rows

// --- all of it, in a line ----------------------------------------------------------------

const tiles = {};
function tile(id, label, graph) {
	const t = { big: el('div', { class: 'big' }), sub: el('div', { class: 'sub' }), extra: el('div') };
	const box = el('div', { class: 'tile', id: 'tile-' + id }, el('div', { class: 'label' }, label), t.big, t.extra, t.sub);
	if (graph) box.append(t.spark = sparkNew());
	$('tiles').append(box);
	return tiles[id] = t;
}
function mix(box, counts, total) {
	for (const s of STATES) {
		let part = box.querySelector('.' + s);
		if (!part) box.append(part = el('i', { class: s }));
		width(part, total ? counts[s] / total : 0);
	}
}
function showTiles(sum) {
	if (!tiles.services) {
		tile('services', 'Services');
		cls(tile('realservers', 'Realservers').extra, 'mix');
		tile('active', 'Active connections', true);
		tile('new', 'New connections', true);
		tile('traffic', 'Traffic', true);
	}
	const c = sum.counts, total = STATES.reduce((n, s) => n + c[s], 0);
	text(tiles.services.big, String(sum.services));
	text(tiles.services.sub, [sum.panic ? `${sum.panic} in panic` : 'all serve', sum.foreign ? `${sum.foreign} not ours` : ''].filter(Boolean).join(', '));
	cls(tiles.services.sub, sum.panic ? 'sub firing' : 'sub');
	tiles.realservers.big.replaceChildren(String(c.up), el('small', {}, ` of ${total} up`));
	mix(tiles.realservers.extra, c, total);
	text(tiles.realservers.sub, STATES.slice(1).filter((s) => c[s]).map((s) => `${c[s]} ${s}`).join(', ') || 'nothing held, nothing down');
	text(tiles.active.big, big(sum.active));
	text(tiles.active.sub, `${big(sum.inactive)} inactive`);
	spark(tiles.active.spark, keep('all active', sum.active).kept);
	const fresh = rate('all new', sum.conns, sum.ms), into = rate('all in', sum.in, sum.ms), out = rate('all out', sum.out, sum.ms);
	tiles.new.big.replaceChildren(fresh.rate === undefined ? '–' : big(fresh.rate), el('small', {}, ' a second'));
	spark(tiles.new.spark, fresh.kept);
	text(tiles.traffic.big, out.rate === undefined ? '–' : bits(into.rate + out.rate));
	text(tiles.traffic.sub, out.rate === undefined ? '' : `${bits(into.rate)} in, ${bits(out.rate)} out`);
	spark(tiles.traffic.spark, into.kept.map((v, i) => v + (out.kept[i] || 0)));
}

// --- services ------------------------------------------------------------------------------

// What the kernel says of a realserver, summed over the addresses of its service.
function sums(service) {
	const of = new Map();
	for (const a of service.addresses)
		for (const d of a.destinations) {
			const s = of.get(d.realserver) || { active: 0, inactive: 0, persistent: 0, conns: 0, in: 0, out: 0, weight: null, address: '', managed: d.managed, there: false };
			of.set(d.realserver, s);
			if (!d.in_kernel) continue;
			s.there = true;
			s.address = s.address || d.address;
			s.forward = d.forward;
			s.weight = s.weight === null ? d.weight : Math.min(s.weight, d.weight);
			s.active += d.active_connections;
			s.inactive += d.inactive_connections;
			s.persistent += d.persistent_connections;
			s.conns += d.connections_total;
			s.in += d.incoming_bytes_total;
			s.out += d.outgoing_bytes_total;
		}
	return of;
}
function rowsOf(service) {
	const of = sums(service), rows = service.realservers.map((r) => ({ ...r, kernel: of.get(r.name) || null, managed: true }));
	for (const [name, kernel] of of)
		if (!service.realservers.some((r) => r.name === name))
			rows.push({ name, kernel, managed: false, state: kernel.weight ? 'up' : 'held', configured_weight: null, effective_weight: kernel.weight, reason: service.managed ? 'not in the configuration' : '', probes: [] });
	return rows;
}
const needsLook = (service, rows) => service.panic || rows.some((r) => r.state === 'down' || r.state === 'held' || r.state === 'unknown');

function matches(words, service, rows) {
	const all = [service.name, ...service.addresses.map((a) => a.address), ...rows.flatMap((r) => [r.name, r.kernel ? r.kernel.address : '', r.state])].join(' ').toLowerCase();
	return words.every((w) => all.includes(w));
}


function newRow(service, r) {
	const c = {};
	const row = {
		c,
		tr: el('tr', { 'data-of': `${service.name}/${r.name}` },
			el('td', { class: 'c-name' }, c.name = el('button', { class: 'name', type: 'button', title: 'Why has it this weight?', on: { click: () => explain(service.name, r.name) } }), c.address = el('div', { class: 'mono dim' })),
			el('td', { class: 'c-state' }, el('span', { class: 'state' }, c.dot = el('i'), c.state = el('span'))),
			el('td', { class: 'c-weight' }, el('span', { class: 'weight' }, el('span', { class: 'track' }, c.bar = el('i')), c.weight = el('span'))),
			el('td', { class: 'num c-active', 'data-label': 'active' }, c.active = el('span')),
			el('td', { class: 'num c-new', 'data-label': 'new/s' }, el('span', { class: 'cell' }, c.spark = sparkNew(), c.fresh = el('span'))),
			el('td', { class: 'num c-probe', 'data-label': 'probe' }, el('span', { class: 'cell' }, c.probeSpark = sparkNew(), c.probe = el('span'))),
			c.why = el('td', { class: 'why' }),
			el('td', { class: 'num c-act' }, c.act = el('button', { class: 'small', type: 'button', hidden: true, on: { click: () => act(service.name, row.r) } }))),
	};
	return row;
}
function showRow(service, row, r, ms) {
	const c = row.c, k = r.kernel, id = `${service.name}/${r.name}`;
	row.r = r;
	now.byRow.set(id, row);
	text(c.name, r.name);
	text(c.address, k ? k.address : '');
	cls(c.dot, r.state);
	text(c.state, r.state + (r.backup ? ', backup' : ''));
	const weight = k && k.weight !== null ? k.weight : r.effective_weight, full = r.configured_weight || weight || 0;
	width(c.bar, full ? (weight || 0) / full : 0);
	cls(c.bar, weight < full ? 'less' : '');
	text(c.weight, (weight === null || (k && !k.there) ? 'absent' : String(weight)) + (r.configured_weight === null ? '' : ` / ${r.configured_weight}`));
	text(c.active, k ? big(k.active) : '');
	const fresh = k ? rate(id + ' new', k.conns, ms) : { kept: [] };
	text(c.fresh, fresh.rate === undefined ? '–' : big(fresh.rate));
	spark(c.spark, fresh.kept);
	const slow = Math.max(0, ...r.probes.map((p) => p.duration_seconds)), failed = r.probes.find((p) => !p.success), stale = r.probes.find((p) => p.stale);
	text(c.probe, r.probes.length ? (failed && failed.reason ? failed.said || failed.reason : stale ? 'stale' : took(slow)) : 'none');
	c.probe.title = failed ? failed.text || '' : stale ? `${stale.digest_agree} of ${stale.digest_heard} give another answer` : '';
	if (r.probes.some((p) => p.last !== row.last)) {
		row.last = r.probes[0].last;
		spark(c.probeSpark, keep(id + ' probe', slow).kept);
	}
	c.probeSpark.style.display = failed || stale ? 'none' : '';
	showWhy(c.why, service, r);
	cls(row.tr, r.state === 'down' ? 'trouble-row' : '');
	const held = drains(service.name, r.name);
	c.act.hidden = !auth.writes || !r.managed;
	text(c.act, held.length ? 'Undrain' : 'Drain');
	return row.tr;
}
function showWhy(td, service, r) {
	const holds = holdsOf(service.name, r.name), drain = holds.find((h) => h.drain);
	const key = JSON.stringify([r.reason, holds]);
	if (td.dataset.key === key) return;
	td.dataset.key = key;
	td.replaceChildren();
	if (!holds.length) { td.append(r.reason || ''); return; }
	for (const h of holds)
		td.append(el('div', {}, el('b', {}, `${h.class} ${h.class === 'alert' && h.rule ? h.rule : h.holder}`), h.waiting ? ' (waits' + (h.refused_by ? ': ' + h.refused_by : '') + ')' : '', `: ${h.reason || effectText(h.effect)}`));
	if (drain) {
		const d = drain.drain, left = d.active + d.inactive;
		td.append(el('div', {}, d.state === 'draining' ? `draining, ${plural(left, 'connection')} left` + (d.eta_seconds ? `, about ${span(d.eta_seconds * 1000)}` : '') : d.state === 'late' ? `not drained in time: ${plural(left, 'connection')} left` : d.state));
		if (d.state !== 'drained') {
			const bar = el('i');
			td.append(el('div', { class: 'progress' }, bar));
			width(bar, d.begun_with ? 1 - left / d.begun_with : 0);
		}
	}
}

function newCard(service) {
	const c = {};
	const head = el('header', { on: { click: (e) => { if (!e.target.closest('a,button')) { opened.set(service.name, !card.open); show(); } } } },
		c.title = el('h2'), c.vips = el('span', { class: 'vips mono' }), el('span', { class: 'grow' }), c.pool = el('span', { class: 'pool' }), c.badge = el('span'), c.avail = el('span', { class: 'avail' }));
	const card = { c, rows: new Map(), body: el('tbody') };
	card.table = el('table', { class: 'rows' }, el('thead', {}, el('tr', {}, ...['realserver', 'state', 'weight', '#active', '#new/s', '#probe', 'why', ''].map((h) => el('th', { class: h[0] === '#' ? 'num' : '' }, h.replace('#', ''))))), card.body);
	card.box = el('article', { class: 'card service' }, head, card.table);
	return card;
}
function showCard(card, service, rows, open, ms) {
	const c = card.c;
	card.open = open;
	cls(card.box, 'card service' + (open ? ' open' : ''));
	text(c.title, service.name);
	const scheduler = (service.addresses.find((a) => a.scheduler) || {}).scheduler;
	text(c.vips, [...service.addresses.map((a) => a.address), scheduler].filter((s) => s && s !== service.name).join('  '));
	cls(c.badge, service.panic ? 'badge panic' : service.managed ? '' : 'badge foreign');
	text(c.badge, service.panic ? 'panic' : service.managed ? '' : 'not ours');
	text(c.avail, service.managed ? `${service.available} of ${service.configured}` : '');
	cls(c.avail, 'avail' + (service.managed && service.available < service.configured ? ' low' : ''));
	while (c.pool.children.length > Math.min(rows.length, 100)) c.pool.lastChild.remove();
	rows.slice(0, 100).forEach((r, i) => {
		const dot = c.pool.children[i] || c.pool.appendChild(el('i'));
		cls(dot, r.state);
		dot.title = `${r.name}: ${r.state}`;
	});
	card.table.hidden = !open;
	if (!open) { for (const r of rows) if (r.kernel) rate(`${service.name}/${r.name} new`, r.kernel.conns, ms); return; }
	const seen = new Set();
	rows.forEach((r, i) => {
		seen.add(r.name);
		let row = card.rows.get(r.name);
		if (!row) card.rows.set(r.name, row = newRow(service, r));
		const tr = showRow(service, row, r, ms);
		if (card.body.children[i] !== tr) card.body.insertBefore(tr, card.body.children[i] || null);
	});
	for (const [name, row] of card.rows)
		if (!seen.has(name)) { row.tr.remove(); card.rows.delete(name); }
}

export function show() {
	const data = now.services;
	if (!data) return;
	const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean), only = $('only').checked;
	const ms = data.time ? new Date(data.time).getTime() : data.came, list = data.services.map((s) => [s, rowsOf(s)]);
	const sum = { ms, services: 0, foreign: 0, panic: 0, active: 0, inactive: 0, conns: 0, in: 0, out: 0, counts: Object.fromEntries(STATES.map((s) => [s, 0])) };
	let n = 0, total = 0;
	for (const [s, rows] of list) {
		sum[s.managed ? 'services' : 'foreign']++;
		sum.panic += s.panic ? 1 : 0;
		total += rows.length;
		for (const r of rows) {
			if (s.managed) sum.counts[r.state]++;
			if (!r.kernel) continue;
			for (const key of ['active', 'inactive', 'conns', 'in', 'out']) sum[key] += r.kernel[key];
		}
	}
	showTiles(sum);
	const seen = new Set(), box = $('services');
	cls(box, total > MANY ? 'many' : '');
	for (const [s, rows] of list) {
		const look = needsLook(s, rows);
		if ((only && !look) || !matches(words, s, rows)) continue;
		seen.add(s.name);
		let card = cards.get(s.name);
		if (!card) cards.set(s.name, card = newCard(s));
		const open = opened.has(s.name) ? opened.get(s.name) : total <= MANY || look && list.length <= MANY || words.length > 0;
		showCard(card, s, rows, open, ms);
		if (box.children[n] !== card.box) box.insertBefore(card.box, box.children[n] || null);
		n++;
	}
	for (const [name, card] of cards)
		if (!seen.has(name)) { card.box.remove(); cards.delete(name); }
	showTroubles(data.troubles || []);
	if (!list.length && !box.children.length) box.append(el('p', { class: 'dim' }, 'No services: the configuration names none, and the kernel has none.'));
	document.title = (sum.panic ? '‼ ' : sum.counts.down || sum.counts.held ? '● ' : '') + 'ipvs-agent ' + location.host;
}

export function showTroubles(troubles) {
	const key = JSON.stringify([troubles, now.frozen, auth.writes]);
	if ($('troubles').dataset.key === key) return;
	$('troubles').dataset.key = key;
	$('troubles').replaceChildren(...troubles.map((t) => el('p', { class: 'trouble' }, t)));
	if (now.frozen)
		$('troubles').append(el('p', { class: 'frozen' }, el('span', {}, el('b', {}, 'Frozen'), ` by ${now.frozen.holder} since ${clock(now.frozen.since)}`, now.frozen.until ? `, until ${clock(now.frozen.until)}` : '', now.frozen.reason ? `: ${now.frozen.reason}` : '', '. Neither rules nor alerts change any weight.')));
	$('freeze').hidden = !auth.writes;
	text($('freeze'), now.frozen ? 'Thaw' : 'Freeze');
}
