/* doctor_facts.h: the facts of a machine on which nothing is wrong, and faults to plant in
 * them, one at least for each check. */
#ifndef TESTS_DOCTOR_FACTS_H
#define TESTS_DOCTOR_FACTS_H

#include <errno.h>

#include "agent/doctor/doctor.h"
#include "tests/unit/model_fixture.h"

static const char config[] = "[service web]\naddress = tcp://10.9.0.100:80\nforward = masq\n"
			     "persistence = 5m\nrealserver = web1 10.1.0.11\n"
			     "realserver = web2 10.1.0.12\n"
			     "[service six]\naddress = tcp://[fd09::100]:80\nforward = masq\n"
			     "realserver = six1 fd01::11\n"
			     "[service ftp]\naddress = tcp://10.9.0.100:21\nforward = masq\n"
			     "realserver = ftp1 10.1.0.11\n"
			     "[service direct]\naddress = tcp://10.9.0.100:81\nscheduler = mh\n"
			     "scheduler_flags = mh-fallback\nforward = route\n"
			     "realserver = dr1 10.1.0.21\nprobe = plain\n"
			     "[service far]\naddress = tcp://10.9.0.100:82\nforward = tunnel\n"
			     "realserver = far1 10.1.0.31\n"
			     "[probe plain]\nurl = tcp://\n";

static struct layout *layout;

static struct addr an_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* --- facts of a machine on which nothing is wrong --- */

enum { LO = 0, ETH0, ETH1, N_INTERFACES };

static void add_rows(struct facts *f)
{
	static const struct facts_interface interfaces[N_INTERFACES] = {
		[LO] = { .name = "lo", .up = true, .loopback = true, .mtu = 65536 },
		[ETH0] = { .name = "eth0", .up = true, .mtu = 1500 },
		[ETH1] = { .name = "eth1", .up = true, .mtu = 9000 },
	};
	static const struct {
		const char *addr, *name;
		uint8_t forward;
	} hosts[] = {
		{ "10.1.0.11", "web/web1", IPVS_MASQ },    { "10.1.0.12", "web/web2", IPVS_MASQ },
		{ "10.1.0.21", "direct/dr1", IPVS_ROUTE }, { "10.1.0.31", "far/far1", IPVS_TUNNEL },
		{ "fd01::11", "six/six1", IPVS_MASQ },
	};
	size_t i;

	f->interfaces = calloc(N_INTERFACES, sizeof(*f->interfaces));
	memcpy(f->interfaces, interfaces, sizeof(interfaces));
	f->n_interfaces = N_INTERFACES;
	f->addresses = calloc(2, sizeof(*f->addresses));
	f->addresses[0] = (struct facts_address){ .addr = an_addr("10.1.0.1"),
						  .interface = ETH1,
						  .prefix = 23 };
	f->n_addresses = 1;
	f->vips = calloc(2, sizeof(*f->vips));
	f->vips[0] = (struct facts_vip){ .addr = an_addr("10.9.0.100"),
					 .local = true,
					 .interface = ETH0,
					 .on_interface = true };
	f->vips[1] = f->vips[0];
	f->vips[1].addr = an_addr("fd09::100");
	f->vips[1].service = layout_find_service(layout, "six");
	f->n_vips = 2;
	f->hosts = calloc(5, sizeof(*f->hosts));
	for (i = 0; i < 5; i++)
		f->hosts[i] = (struct facts_host){ .addr = an_addr(hosts[i].addr),
						   .realserver = id_of(layout, hosts[i].name),
						   .forward = hosts[i].forward,
						   .interface = ETH1,
						   .mtu = 9000 };
	f->n_hosts = 5;
}

static struct facts healthy(void)
{
	static const int64_t values[SYS_N] = {
		[SYS_FORWARD4] = 1,         [SYS_FORWARD6] = 1,       [SYS_CONNTRACK_COUNT] = 10,
		[SYS_CONNTRACK_MAX] = 1000, [SYS_NEIGHBOURS4] = 1024, [SYS_NEIGHBOURS6] = 1024,
		[SYS_PORTS] = 32768,        [SYS_EXPIRE_NODEST] = 1,  [SYS_EXPIRE_QUIESCENT] = 1,
		[SYS_CONN_REUSE] = 1,       [SYS_SLOPPY_TCP] = 1,     [SYS_ESTIMATION] = 1,
	};
	struct facts f = { .layout = layout,
			   .ip_vs = { .value = 1 },
			   .kernel_major = 6,
			   .kernel_minor = 1,
			   .connection_buckets = { .value = 4096 },
			   .memory_kb = { .value = 1 << 20 },
			   .default_interface = ETH0,
			   .max_probes = 1000,
			   .agent = { .pid = 77,
				      .capabilities = { .value = 3 << 12 },
				      .nofile = { .value = 65536 } },
			   .state = { .free_bytes = { .value = 1 << 30, .second = 1 << 30 },
				      .journal_size = 1 << 24 } };
	size_t i;

	for (i = 0; i < SYS_N; i++)
		f.sysctls[i].value = values[i];
	f.sysctls[SYS_PORTS].second = 60999;
	buf_puts(&f.modules, "\nip_vs\nip_vs_mh\n");
	buf_puts(&f.available, "\nip_vs\nip_vs_mh\nip_vs_wlc\n");
	buf_puts(&f.apps, "APP\n\tFTP: ftp\n");
	buf_puts(&f.agent.socket, "/run/agent.sock");
	buf_puts(&f.state.path, "/var/lib/a b");
	buf_puts(&f.state.mount, "/var");
	add_rows(&f);
	return f;
}

/* --- faults --- */

static void set(struct facts *f, enum fact_sysctl s, int64_t value)
{
	f->sysctls[s].value = value;
}

#define PLANT(name, statement)                                                                     \
	static void name(struct facts *f)                                                          \
	{                                                                                          \
		statement;                                                                         \
	}

PLANT(no_ip_vs, f->ip_vs.value = 0)
PLANT(no_mh, buf_reset(&f->modules); buf_reset(&f->available);
      buf_puts(&f->available, "\nip_vs\nip_vs_wlc\n"))
PLANT(no_ftp, buf_reset(&f->apps); buf_puts(&f->apps, "APP\n"))
PLANT(old_gue, f->kernel_major = 5; f->kernel_minor = 1; f->hosts[3].tunnel = IPVS_TUN_GUE)
PLANT(no_forward4, set(f, SYS_FORWARD4, 0))
PLANT(no_forward6, set(f, SYS_FORWARD6, 0))
PLANT(no_ipv6, set(f, SYS_DISABLE6, 1))
PLANT(never_ipv6, f->sysctls[SYS_DISABLE6].error = -ENOENT)
PLANT(no_vip, f->vips[0].local = f->vips[0].on_interface = false)
PLANT(arp, f->vips[0].on_loopback = true; f->hosts[2].local = true;
      f->vips[0].service = layout_find_service(layout, "direct"))
PLANT(strict, f->interfaces[ETH0].rp_filter.value = 1; f->default_interface = ETH1)
PLANT(way_back, buf_puts(&f->way_back, "net.ipv4.conf.eth1.accept_local=1"))
PLANT(redirects, f->vips[0].interface = ETH1; f->interfaces[ETH1].send_redirects.value = 1;
      f->hosts[3].mtu = 9020)
PLANT(no_route, f->hosts[0].error = -ENETUNREACH)
PLANT(asleep, f->hosts[0].error = -EHOSTUNREACH; f->interfaces[ETH1].up = false)
PLANT(gateway, f->hosts[2].gateway = true)
PLANT(host_route, f->hosts[2].gateway = f->hosts[2].host_route = true)
PLANT(narrow, f->hosts[3].mtu = 1500)
PLANT(neighbours4, set(f, SYS_NEIGHBOURS4, 7))
PLANT(neighbours6, set(f, SYS_NEIGHBOURS6, 1))
PLANT(ports, f->sysctls[SYS_PORTS].second = 32768)
PLANT(nodest, set(f, SYS_EXPIRE_NODEST, 0))
PLANT(quiescent, set(f, SYS_EXPIRE_QUIESCENT, 0))
PLANT(reuse, set(f, SYS_CONN_REUSE, 0))
PLANT(reuse_old, f->kernel_major = 4; f->kernel_minor = 19; set(f, SYS_VS_CONNTRACK, 1))
PLANT(netfilter, buf_puts(&f->modules, "nf_nat\n"))
PLANT(idle, for (uint32_t i = 0; i < f->n_hosts; i++) f->hosts[i].forward = IPVS_ROUTE;
      set(f, SYS_VS_CONNTRACK, 1))
PLANT(sloppy, set(f, SYS_SLOPPY_TCP, 0))
PLANT(drop_entry, set(f, SYS_DROP_ENTRY, 3))
PLANT(drop_packet, set(f, SYS_DROP_PACKET, 2))
PLANT(secure, set(f, SYS_SECURE_TCP, 3))
PLANT(estimation, set(f, SYS_ESTIMATION, 0))
PLANT(full_warn, set(f, SYS_CONNTRACK_COUNT, 750))
PLANT(full_error, set(f, SYS_CONNTRACK_COUNT, 1000))
PLANT(chains, f->connections.value = 40000)
PLANT(memory, f->connections.value = 30000; f->memory_kb.value = 100)
PLANT(no_admin, f->agent.capabilities.value = 1 << 13)
PLANT(no_agent, f->agent.error = -ECONNREFUSED)
PLANT(files, f->agent.nofile.value = 65)
PLANT(files_here, f->agent.nofile.value = 65; f->agent.pid = 0)
PLANT(no_dir, f->state.error = -ENOENT)
PLANT(read_only, f->state.error = -EROFS)
PLANT(little_room, f->state.free_bytes.value = 1 << 21)
PLANT(no_room, f->state.free_bytes.value = 100; f->state.memory = true)
PLANT(clock, f->unsynchronised.value = 1)

static void a_writer(struct facts *f)
{
	f->writers = calloc(1, sizeof(*f->writers));
	f->writers[0] = (struct facts_writer){ .pid = 9, .name = "ldirectord" };
	f->n_writers = 1;
}

static void a_vrrp_writer(struct facts *f)
{
	a_writer(f);
	f->writers[0].also_vrrp = true;
	buf_puts(&f->writers[0].config, "/etc/k's.conf");
}

static void a_setting(struct facts *f, const char *name, const char *found, const char *want)
{
	f->settings = calloc(1, sizeof(*f->settings));
	buf_puts(&f->settings[0].name, name);
	buf_puts(&f->settings[0].found, found);
	f->settings[0].want = want;
	f->n_settings = 1;
}

PLANT(a_sysctl, a_setting(f, "net/ipv4/vs/sync_threshold", "3 50", "5 60"))
PLANT(a_timeout, a_setting(f, "timeout/tcp_fin", "120", "60"))

static const struct fault {
	const char *slug;
	void (*plant)(struct facts *f);
	enum doctor_severity severity;
	const char *command; /* how it begins */
} faults[] = {
	{ "ip-vs", no_ip_vs, DOCTOR_ERROR, "modprobe ip_vs" },
	{ "scheduler", no_mh, DOCTOR_ERROR, "modprobe ip_vs_mh" },
	{ "ftp", no_ftp, DOCTOR_WARNING, "modprobe ip_vs_ftp" },
	{ "kernel", old_gue, DOCTOR_ERROR, "apt-get install \"linux-image-" },
	{ "ip-forward", no_forward4, DOCTOR_ERROR, "sysctl -w net.ipv4.ip_forward=1" },
	{ "ip-forward6", no_forward6, DOCTOR_ERROR, "sysctl -w net.ipv6.conf.all.forwarding=1" },
	{ "ipv6-off", no_ipv6, DOCTOR_ERROR, "sysctl -w net.ipv6.conf.all.disable_ipv6=0" },
	{ "ipv6-off", never_ipv6, DOCTOR_ERROR, "modprobe ipv6" },
	{ "vip", no_vip, DOCTOR_WARNING, "ip address add 10.9.0.100/32 dev eth0" },
	{ "arp", arp, DOCTOR_WARNING, "sysctl -w net.ipv4.conf.all.arp_ignore=1 " },
	{ "rp-filter", strict, DOCTOR_WARNING, "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
	{ "way-back", way_back, DOCTOR_ERROR, "sysctl -w net.ipv4.conf.eth1.accept_local=1" },
	{ "send-redirects", redirects, DOCTOR_WARNING,
	  "sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth1.send_redirects=0" },
	{ "no-route", no_route, DOCTOR_ERROR, "ip route get 10.1.0.11" },
	{ "no-route", asleep, DOCTOR_ERROR, "ip link set up dev eth1" },
	{ "on-link", gateway, DOCTOR_ERROR, "ip route add 10.1.0.21/32 dev eth1" },
	{ "on-link", host_route, DOCTOR_ERROR, "ip route delete 10.1.0.21" },
	{ "tunnel-mtu", narrow, DOCTOR_WARNING, "ip link set dev eth1 mtu 1520" },
	{ "neighbours", neighbours4, DOCTOR_WARNING,
	  "sysctl -w net.ipv4.neigh.default.gc_thresh3=1024" },
	{ "neighbours6", neighbours6, DOCTOR_WARNING,
	  "sysctl -w net.ipv6.neigh.default.gc_thresh3=1024" },
	{ "ports", ports, DOCTOR_WARNING,
	  "sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"" },
	{ "expire-nodest", nodest, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.expire_nodest_conn=1" },
	{ "expire-quiescent", quiescent, DOCTOR_WARNING,
	  "sysctl -w net.ipv4.vs.expire_quiescent_template=1" },
	{ "conn-reuse", reuse, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.conn_reuse_mode=1" },
	{ "conn-reuse", reuse_old, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.conn_reuse_mode=0" },
	{ "netfilter", netfilter, DOCTOR_NOTE, "sysctl -w net.ipv4.vs.conntrack=1" },
	{ "conntrack-idle", idle, DOCTOR_NOTE, "sysctl -w net.ipv4.vs.conntrack=0" },
	{ "sloppy-tcp", sloppy, DOCTOR_NOTE, "sysctl -w net.ipv4.vs.sloppy_tcp=1" },
	{ "drop-entry", drop_entry, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.drop_entry=1" },
	{ "drop-packet", drop_packet, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.drop_packet=1" },
	{ "secure-tcp", secure, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.secure_tcp=1" },
	{ "estimation", estimation, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.run_estimation=1" },
	{ "conntrack-table", full_warn, DOCTOR_WARNING,
	  "sysctl -w net.netfilter.nf_conntrack_max=2000" },
	{ "conntrack-table", full_error, DOCTOR_ERROR,
	  "sysctl -w net.netfilter.nf_conntrack_max=2000" },
	{ "chains", chains, DOCTOR_WARNING, "echo options ip_vs conn_tab_bits=16 >" },
	{ "memory", memory, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.drop_entry=1" },
	{ "capability", no_admin, DOCTOR_ERROR, "setcap cap_net_admin," },
	{ "agent", no_agent, DOCTOR_NOTE, "systemctl start ipvs-agent" },
	{ "files", files, DOCTOR_WARNING, "prlimit --pid 77 --nofile=66:66" },
	{ "files", files_here, DOCTOR_WARNING, "ulimit -n 66" },
	{ "state-dir", no_dir, DOCTOR_ERROR, "install -d -m 750 '/var/lib/a b'" },
	{ "state-dir", read_only, DOCTOR_ERROR, "mount -o remount,rw /var" },
	{ "state-room", little_room, DOCTOR_WARNING, "du -axh /var |" },
	{ "state-room", no_room, DOCTOR_ERROR, "mount -o remount,size=1082368k /var" },
	{ "settings", a_sysctl, DOCTOR_WARNING, "sysctl -w net.ipv4.vs.sync_threshold='5 60'" },
	{ "settings", a_timeout, DOCTOR_WARNING, "ipvsadm --set 0 60 0" },
	{ "clock", clock, DOCTOR_WARNING, "timedatectl set-ntp true" },
	{ "writer", a_writer, DOCTOR_WARNING, "kill 9" },
	{ "writer", a_vrrp_writer, DOCTOR_WARNING,
	  "sed -i.before '/^[ \\t]*virtual_server/,/^}/d' '/etc/k'\\''s.conf' && kill -HUP 9" },
};

#endif
