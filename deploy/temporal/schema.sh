#!/bin/sh
# Temporal's two databases, made or brought up to date. Safe to run again.
set -eu
for db in temporal:temporal temporal_visibility:visibility; do
  name=${db%%:*}
  folder=/etc/temporal/schema/postgresql/v12/${db##*:}/versioned
  temporal-sql-tool --db "$name" create
  temporal-sql-tool --db "$name" setup-schema -v 0.0
  temporal-sql-tool --db "$name" update-schema -d "$folder"
done
