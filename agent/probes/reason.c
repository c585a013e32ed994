/* reason.c: the table of reasons, and the one place that reads errno as one. */
#include "agent/probes/reason.h"

#include <errno.h>
#include <stddef.h>

#include "agent/base/attr.h"

enum { REFUSED = 0, TIMEOUT = 1, BAD_ANSWER = 2 };

const struct probe_reason_row probe_reasons[PROBE_N_REASONS] = {
	[PROBE_OK] = { PROBE_PASSED, "ok", "passed", 0 },
	[PROBE_CONNECT_REFUSED] = { PROBE_FAILED, "connect-refused", "connection refused",
				    REFUSED },
	[PROBE_CONNECT_TIMEOUT] = { PROBE_FAILED, "connect-timeout", "no connection in time",
				    TIMEOUT },
	[PROBE_CONNECT_UNREACHABLE] = { PROBE_FAILED, "connect-unreachable",
					"host or network unreachable", REFUSED },
	[PROBE_CONNECT_RESET] = { PROBE_FAILED, "connect-reset", "connection reset or closed",
				  REFUSED },
	[PROBE_TLS_TIMEOUT] = { PROBE_FAILED, "tls-timeout", "TLS handshake not done in time",
				TIMEOUT },
	[PROBE_TLS_FAILED] = { PROBE_FAILED, "tls-failed", "TLS handshake failed", BAD_ANSWER },
	[PROBE_TLS_UNTRUSTED] = { PROBE_FAILED, "tls-untrusted", "certificate not accepted",
				  BAD_ANSWER },
	[PROBE_TLS_EXPIRING] = { PROBE_FAILED, "tls-expiring", "certificate ends too soon",
				 BAD_ANSWER },
	[PROBE_ANSWER_TIMEOUT] = { PROBE_FAILED, "answer-timeout", "no answer in time", TIMEOUT },
	[PROBE_ANSWER_MALFORMED] = { PROBE_FAILED, "answer-malformed", "answer makes no sense",
				     BAD_ANSWER },
	[PROBE_ANSWER_STATUS] = { PROBE_FAILED, "answer-status", "status not expected",
				  BAD_ANSWER },
	[PROBE_ANSWER_HEADER] = { PROBE_FAILED, "answer-header", "header not expected",
				  BAD_ANSWER },
	[PROBE_ANSWER_BODY] = { PROBE_FAILED, "answer-body", "body not expected", BAD_ANSWER },
	[PROBE_EXEC_FAILED] = { PROBE_FAILED, "exec-failed", "the program says that it is bad",
				BAD_ANSWER },
	[PROBE_FILE_DOWN] = { PROBE_FAILED, "file-down", "the file says that it is down",
			      BAD_ANSWER },
	[PROBE_ANSWER_DIGEST] = { PROBE_FAILED, "answer-digest", "body's digest not expected",
				  BAD_ANSWER },
	[PROBE_ADVICE_UNREACHED] = { PROBE_UNKNOWN, "advice-unreached",
				     "who advises cannot be reached", BAD_ANSWER },
	[PROBE_ADVICE_TIMEOUT] = { PROBE_UNKNOWN, "advice-timeout", "no advice in time",
				   BAD_ANSWER },
	[PROBE_ADVICE_MALFORMED] = { PROBE_UNKNOWN, "advice-malformed", "advice makes no sense",
				     BAD_ANSWER },
	[PROBE_LOCAL_RESOURCES] = { PROBE_UNKNOWN, "local-resources",
				    "out of descriptors, ports or memory here", BAD_ANSWER },
	[PROBE_LOCAL_ROUTE] = { PROBE_UNKNOWN, "local-route", "no route or source address here",
				BAD_ANSWER },
	[PROBE_LOCAL_CONFIG] = { PROBE_UNKNOWN, "local-config",
				 "a file or setting here is unusable", BAD_ANSWER },
	[PROBE_LOCAL_FORWARD] = { PROBE_UNKNOWN, "local-forward",
				  "the way through this director is not ready", BAD_ANSWER },
	[PROBE_LOCAL_STALL] = { PROBE_UNKNOWN, "local-stall", "the agent stood still meanwhile",
				BAD_ANSWER },
	[PROBE_LOCAL_ERROR] = { PROBE_UNKNOWN, "local-error", "an error here", BAD_ANSWER },
	[PROBE_LOCAL_CANARY] = { PROBE_UNKNOWN, "local-canary",
				 "no answer, and none of its interface's canaries answers",
				 BAD_ANSWER },
	[PROBE_ANSWER_SILENCE] = { PROBE_UNKNOWN, "answer-silence", "no answer, which says nothing",
				   BAD_ANSWER },
	[PROBE_ANSWER_TOO_LONG] = { PROBE_UNKNOWN, "answer-too-long",
				    "body longer than max_body, so without a digest", BAD_ANSWER },
};

/* An errno that is not listed, or not in that column, is PROBE_LOCAL_ERROR: what we
 * do not understand never acts. */
static const struct connect_row {
	int os_errno;
	enum probe_reason at_once, later; /* PROBE_OK = not expected there */
} connect_rows[] = {
	{ ECONNREFUSED, PROBE_CONNECT_REFUSED, PROBE_CONNECT_REFUSED },
	{ ECONNRESET, PROBE_CONNECT_RESET, PROBE_CONNECT_RESET },
	{ ECONNABORTED, PROBE_CONNECT_RESET, PROBE_CONNECT_RESET },
	{ EPIPE, PROBE_CONNECT_RESET, PROBE_CONNECT_RESET },
	{ ETIMEDOUT, PROBE_CONNECT_TIMEOUT, PROBE_CONNECT_TIMEOUT },
	{ ENETUNREACH, PROBE_LOCAL_ROUTE, PROBE_CONNECT_UNREACHABLE },
	{ EHOSTUNREACH, PROBE_LOCAL_ROUTE, PROBE_CONNECT_UNREACHABLE },
	/* what ICMP codes become in Linux: host unknown, host isolated, protocol
	 * unreachable, and ICMPv6's administratively prohibited */
	{ EHOSTDOWN, PROBE_LOCAL_ROUTE, PROBE_CONNECT_UNREACHABLE },
	{ ENONET, PROBE_LOCAL_ROUTE, PROBE_CONNECT_UNREACHABLE },
	{ ENOPROTOOPT, PROBE_OK, PROBE_CONNECT_UNREACHABLE },
	{ EPROTO, PROBE_OK, PROBE_CONNECT_UNREACHABLE },
	{ EACCES, PROBE_LOCAL_ROUTE, PROBE_CONNECT_UNREACHABLE },
	{ EPERM, PROBE_LOCAL_ROUTE, PROBE_LOCAL_ROUTE },
	{ ENETDOWN, PROBE_LOCAL_ROUTE, PROBE_LOCAL_ROUTE },
	{ ENODEV, PROBE_LOCAL_ROUTE, PROBE_LOCAL_ROUTE },
	{ EINVAL, PROBE_LOCAL_ROUTE, PROBE_LOCAL_ROUTE }, /* blackhole route */
	{ EAFNOSUPPORT, PROBE_LOCAL_ROUTE, PROBE_LOCAL_ROUTE },
	{ EADDRNOTAVAIL, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES }, /* ports */
	{ EADDRINUSE, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES },
	{ EAGAIN, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES },
	{ EMFILE, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES },
	{ ENFILE, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES },
	{ ENOBUFS, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES },
	{ ENOMEM, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES },
	{ ENOSPC, PROBE_LOCAL_RESOURCES, PROBE_LOCAL_RESOURCES }, /* epoll watches */
};

bool probe_reason_answered(enum probe_reason reason)
{
	const struct probe_reason_row *row = &probe_reasons[reason];

	return row->outcome == PROBE_PASSED ||
	       (row->outcome == PROBE_FAILED && row->evidence == BAD_ANSWER);
}

enum probe_reason probe_reason_of_connect(int os_errno, bool at_once)
{
	enum probe_reason reason = PROBE_OK;
	size_t i;

	for (i = 0; i < countof(connect_rows) && reason == PROBE_OK; i++)
		if (connect_rows[i].os_errno == os_errno)
			reason = at_once ? connect_rows[i].at_once : connect_rows[i].later;
	return reason == PROBE_OK ? PROBE_LOCAL_ERROR : reason;
}
