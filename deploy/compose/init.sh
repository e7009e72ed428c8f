#!/bin/bash
# Runs once in each new database, called by its image: the database of STORE and two users, one that migrates and one that
# serves and may change no table. docs/operations.md has the same by hand.
set -eu -o pipefail

MYSQL_PWD=$(cat /run/secrets/root) mariadb --user=root <<SQL
CREATE DATABASE $STORE;
CREATE USER 'quarteto_migrate'@'%' IDENTIFIED BY '$(cat /run/secrets/migrate)';
GRANT ALL ON $STORE.* TO 'quarteto_migrate'@'%';
CREATE USER 'quarteto_serve'@'%' IDENTIFIED BY '$(cat /run/secrets/serve)';
GRANT SELECT, INSERT, UPDATE, DELETE ON $STORE.* TO 'quarteto_serve'@'%';
SQL
