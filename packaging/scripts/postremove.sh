#!/bin/sh
# postremove - after the package is gone. The hub's key stays, so that members know
# the hub again when it comes back, unless the package is purged.
set -eu
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "${1:-}" = purge ]; then
	rm -rf /var/lib/s2c /var/lib/private/s2c /etc/s2c
fi
