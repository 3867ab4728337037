#!/bin/sh
# preremove - before the package goes, and not before an upgrade: no hub goes on
# without its program.
set -eu
case ${1:-remove} in
upgrade | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now s2c.service
fi
