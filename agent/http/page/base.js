// base.js: what the page's other files stand on: text and figures, rates, small charts,
// and the one way to ask the agent. What is shown is put in as text, never as markup:
// names and reasons come from outside.

export const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
export const STATES = ['up', 'held', 'down', 'unknown', 'standby', 'disabled'];
const KEPT = 40; // values of a small chart

export const now = { services: null, holds: [], frozen: null, rules: [], byRow: new Map() };
export const auth = { header: null, who: null, writes: false };
const rates = new Map();  // of a counter: its last value and when, and what came of it

// What page.js does and other files ask for; it fills them in.
export const hooks = { hurry: () => {}, show: () => {} };

// --- small things ------------------------------------------------------------------

export function el(tag, props, ...children) {
	const e = document.createElement(tag);
	for (const [k, v] of Object.entries(props || {})) {
		if (v === undefined || v === null || v === false) continue;
		if (k === 'class') e.className = v;
		else if (k === 'on') for (const [name, fn] of Object.entries(v)) e.addEventListener(name, fn);
		else if (k in e && k !== 'list') e[k] = v;
		else e.setAttribute(k, v);
	}
	e.append(...children.flat().filter((c) => c !== null && c !== undefined));
	return e;
}
export function text(e, s) { if (e.textContent !== s) e.textContent = s; }
export function cls(e, s) { if (e.className !== s) e.className = s; }
export function width(e, share) {
	const w = Math.max(0, Math.min(100, share * 100)).toFixed(1) + '%';
	if (e.style.width !== w) e.style.width = w;
}
export function big(n) {
	if (!isFinite(n)) return '–';
	for (const [size, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']])
		if (n >= size) return (n / (unit === 'k' ? 1e3 : size)).toFixed(n / size >= 100 ? 0 : 1) + ' ' + unit;
	return n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toFixed(1);
}
export const bits = (bytes) => big(bytes * 8) + (bytes * 8 >= 1e4 ? 'bit/s' : ' bit/s');
export function took(s) {
	if (!(s > 0)) return '';
	return s < 0.001 ? Math.round(s * 1e6) + ' µs' : s < 1 ? (s * 1000).toFixed(s < 0.01 ? 1 : 0) + ' ms' : s.toFixed(1) + ' s';
}
export function span(ms) {
	const s = Math.max(0, Math.round(ms / 1000));
	if (s < 90) return s + ' s';
	if (s < 5400) return Math.round(s / 60) + ' min';
	if (s < 129600) return Math.round(s / 3600) + ' h';
	return Math.round(s / 86400) + ' d';
}
export const clock = (t) => new Date(t).toLocaleTimeString([], { hour12: false });
export const ago = (t) => (t ? span(Date.now() - new Date(t).getTime()) : '');
export const plural = (n, one) => `${n} ${one}${n === 1 ? '' : 's'}`;

export function spark(svg, values) {
	const top = Math.max(1e-9, ...values), n = values.length;
	let line = svg.querySelector('.line'), area = svg.querySelector('.area');
	if (!line) {
		svg.setAttribute('viewBox', '0 0 100 30');
		svg.setAttribute('preserveAspectRatio', 'none');
		svg.setAttribute('aria-hidden', 'true');
		area = svg.appendChild(document.createElementNS(SVG, 'path'));
		line = svg.appendChild(document.createElementNS(SVG, 'path'));
		area.setAttribute('class', 'area');
		line.setAttribute('class', 'line');
	}
	if (n < 2) return;
	const at = values.map((v, i) => `${(100 * (i + KEPT - n) / (KEPT - 1)).toFixed(1)},${(29 - 26 * v / top).toFixed(1)}`);
	line.setAttribute('d', 'M' + at.join('L'));
	area.setAttribute('d', `M${(100 * (KEPT - n) / (KEPT - 1)).toFixed(1)},30L${at.join('L')}L100,30Z`);
}
export function sparkNew() {
	const svg = document.createElementNS(SVG, 'svg');
	svg.setAttribute('class', 'spark');
	return svg;
}

// A counter's rate by the snapshots' own times; one that fell was reset.
export function rate(key, value, ms) {
	const r = rates.get(key) || { kept: [] };
	if (r.ms !== undefined && ms > r.ms) {
		r.rate = value >= r.value ? (value - r.value) * 1000 / (ms - r.ms) : 0;
		r.kept.push(r.rate);
		if (r.kept.length > KEPT) r.kept.shift();
	}
	if (r.ms === undefined || ms > r.ms) Object.assign(r, { value, ms });
	rates.set(key, r);
	return r;
}
export function keep(key, value) {
	const r = rates.get(key) || { kept: [] };
	r.kept.push(value);
	if (r.kept.length > KEPT) r.kept.shift();
	rates.set(key, r);
	return r;
}

let toastTimer;
export function toast(s) {
	text($('toast'), s);
	cls($('toast'), 'on');
	clearTimeout(toastTimer);
	toastTimer = setTimeout(() => cls($('toast'), ''), 5000);
}

// --- the agent ------------------------------------------------------------------------

export class Refused extends Error {
	constructor(status, error) {
		super(error.message || `the agent answered ${status}`);
		this.status = status;
		this.guard = error.guard;
	}
}
// Without credentials of the browser's own: what nobody typed here is never sent.
export async function ask(method, path, body) {
	const headers = {};
	if (auth.header) headers.Authorization = auth.header;
	if (body !== undefined) headers['Content-Type'] = 'application/json';
	const answer = await fetch(path, {
		method, headers, cache: 'no-store', redirect: 'error',
		credentials: auth.header ? 'omit' : 'same-origin',
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const json = await answer.json().catch(() => ({}));
	if (!answer.ok) throw new Refused(answer.status, json.error || {});
	return json;
}

// Whose they are, as the page needs them.
export function holdsOf(service, realserver) {
	return now.holds.filter((h) => h.service === service && h.realserver === realserver);
}
function lowering(h) { return h.effect === 0 || h.effect === 'absent' || /%$/.test(h.effect); }
// What operators hold low there.
export function drains(service, realserver) {
	return holdsOf(service, realserver).filter((h) => h.class === 'operator' && lowering(h));
}
