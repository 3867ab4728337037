#!/bin/sh
# postinstall - after the package is installed or upgraded: the hub's user. The hub
# itself is started by who wants one: systemctl enable --now s2c
set -eu
if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers /usr/lib/sysusers.d/s2c.conf
elif ! grep -q '^s2c:' /etc/passwd; then
	if command -v useradd >/dev/null 2>&1; then
		useradd --system --user-group --home-dir /var/lib/s2c --no-create-home --shell /usr/sbin/nologin s2c
	else # Alpine
		addgroup -S s2c
		adduser -S -D -H -h /var/lib/s2c -s /sbin/nologin -G s2c s2c
	fi
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart s2c.service # of the version before, if it runs
fi
