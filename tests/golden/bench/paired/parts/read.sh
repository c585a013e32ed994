# shellcheck shell=bash
# What a reader is told about the part, over
# two lines.
#
# peers: ipvsadm
# runs: 3

part_read() { return 0; }
