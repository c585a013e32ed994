// dialogs.js: what a person may do here: log in, ask why, drain and undrain, freeze.
import { $, now, auth, el, text, took, ask, toast, hooks, drains } from './base.js';

// --- dialogs: login, explain, drain ----------------------------------------------------------------

function dialog(content) {
	$('dialog').replaceChildren(content);
	$('dialog').showModal();
}
export const close = () => $('dialog').close();

// fields: [name, label, attributes]; submit(values) may throw, which is shown.
function form(title, intro, fields, verb, submit) {
	const error = el('p', { class: 'error', hidden: true }), force = { on: false };
	const inputs = fields.map(([name, label, attributes]) => [name, attributes.type === 'checkbox'
		? el('label', { class: 'check' }, attributes.input = el('input', { name, ...attributes }), label)
		: el('label', {}, label, attributes.input = el('input', { name, ...attributes }))]);
	const go = el('button', { class: 'main', type: 'submit' }, verb);
	const f = el('form', { method: 'dialog', on: { submit: async (e) => {
		e.preventDefault();
		go.disabled = true;
		try {
			await submit(Object.fromEntries(fields.map(([name, , a]) => [name, a.type === 'checkbox' ? a.input.checked : a.input.value.trim()])), force.on);
			close();
		} catch (err) {
			text(error, err.message);
			error.hidden = false;
			if (err.guard) { force.on = true; text(go, verb + ' all the same'); }
		}
		go.disabled = false;
	} } }, el('h2', {}, title), intro ? el('p', { class: 'dim' }, intro) : null, inputs.map(([, e]) => e), error,
	el('div', { class: 'actions' }, el('button', { type: 'button', on: { click: close } }, 'Cancel'), go));
	dialog(f);
	const first = f.querySelector('input');
	if (first) first.focus();
}

export async function whoami() {
	const me = await ask('GET', '/api/v1/whoami');
	auth.who = me.who;
	auth.writes = me.writes;
	text($('login'), auth.header ? `Log out ${me.who}` : auth.writes ? me.who || 'may write' : 'Log in');
	$('login').disabled = auth.writes && !auth.header;
	$('freeze').hidden = !auth.writes;
	hooks.show();
}
export function login() {
	if (auth.header) { auth.header = null; whoami(); return; }
	form('Log in', 'With a user of users_file, or with a token (leave the name empty). It is kept in this page until it is closed.',
		[['user', 'Name', { autocomplete: 'username' }], ['password', 'Password or token', { type: 'password', autocomplete: 'current-password', required: true }]], 'Log in',
		async ({ user, password }) => {
			const bytes = new TextEncoder().encode(`${user}:${password}`);
			auth.header = user ? 'Basic ' + btoa(String.fromCharCode(...bytes)) : 'Bearer ' + password;
			try { await whoami(); } catch (e) { auth.header = null; throw e.status === 401 ? new Error('Wrong name or password.') : e; }
		});
}

export async function act(service, r) {
	const target = `${service}/${r.name}`;
	const held = drains(service, r.name);
	if (held.length) {
		try {
			for (const h of held) await ask('DELETE', '/api/v1/holds/' + encodeURIComponent(h.id));
			toast(`${target} comes back`);
		} catch (e) { toast(e.message); }
		hooks.hurry();
		return;
	}
	form(`Drain ${target}`, 'It takes no new connections; those that it has go on. It stays out until it is undrained, or its time is over.',
		[['reason', 'Reason', { placeholder: 'deploy 1.4', maxLength: 200 }], ['ttl', 'For at most (empty: until undrained)', { placeholder: '1h', pattern: '([0-9]+(ms|[smhd]))+' }]], 'Drain',
		async ({ reason, ttl }, force) => {
			const body = { target, weight: 0, force };
			if (reason) body.reason = reason;
			if (ttl) body.ttl = ttl;
			const answer = await ask('POST', '/api/v1/holds', body);
			toast(answer.overrode && answer.overrode.length ? `${target} drains, over ${answer.overrode.map((o) => o.guard).join(', ')}` : `${target} drains`);
			hooks.hurry();
		});
}
export async function lift(h) {
	try { await ask('DELETE', '/api/v1/holds/' + encodeURIComponent(h.id)); toast('lifted'); } catch (e) { toast(e.message); }
	hooks.hurry();
}
export function freeze() {
	if (now.frozen) { ask('DELETE', '/api/v1/freeze').then(() => toast('thawed'), (e) => toast(e.message)).then(hooks.hurry); return; }
	form('Freeze', 'Rules and alerts change no weight until it is thawed. What operators ask goes on.',
		[['reason', 'Reason', { maxLength: 200 }], ['ttl', 'For at most (empty: until thawed)', { placeholder: '1h', pattern: '([0-9]+(ms|[smhd]))+' }]], 'Freeze',
		async ({ reason, ttl }) => {
			const body = {};
			if (reason) body.reason = reason;
			if (ttl) body.ttl = ttl;
			await ask('POST', '/api/v1/freeze', body);
			hooks.hurry();
		});
}

export async function explain(service, name) {
	let t;
	try { t = (await ask('GET', '/api/v1/explain?target=' + encodeURIComponent(`${service}/${name}`))).targets[0]; } catch (e) { toast(e.message); return; }
	const rows = (t.steps || []).map((s) => el('tr', {}, el('td', {}, s.weight === null ? 'absent' : String(s.weight)), el('td', {}, el('b', {}, s.why), el('div', { class: 'dim' }, s.text || ''))));
	dialog(el('div', { class: 'inside' }, el('h2', {}, `${t.service}/${t.realserver}`),
		el('div', { class: 'dim mono' }, (t.addresses || []).join('  ')),
		el('table', { class: 'steps' }, el('tbody', {}, rows)),
		t.returns ? el('div', {}, el('b', {}, 'Returns: '), t.returns) : null,
		(t.notes || []).map((n) => el('div', { class: 'dim' }, n)),
		(t.probes || []).map((p) => el('div', { class: 'dim' }, `probe ${p.probe} of ${p.address}: ${p.last || p.verdict}` + (p.seconds ? `, ${took(p.seconds)}` : ''))),
		el('div', { class: 'actions' }, el('button', { type: 'button', on: { click: close } }, 'Close'))));
}
