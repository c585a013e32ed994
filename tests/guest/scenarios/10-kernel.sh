# shellcheck shell=bash
# The codec and the conversation against a real ip_vs: for every protocol, family,
# scheduler, forward method, tunnel, threshold and kind of persistence, what is applied
# is what ipvsadm shows and what is read back; errors keep their errno; ip_vs unloaded,
# loaded anew, absent; a reader without privileges.
#
# peers: ipvsadm
# shellcheck source=../lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

ns_add dir || exit

# Unloading a module is for a machine of our own.
mode=
[ "${GUEST_MODE:-}" != qemu ] || mode=reload

# The program counts its own tests.
in_director "${KERNEL_TEST:-$REPO/build/asan/tests/kernel_test}" $mode
status=$?
finished=yes
exit $status
