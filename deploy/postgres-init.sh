#!/bin/sh
# The two roles and their database, made when the server's volume is empty: puhui_owner owns the tables and migrates,
# puhui_app does everything else. OWNER_PASSWORD and APPLICATION_PASSWORD come from the environment.
set -eu

psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv application_password APPLICATION_PASSWORD
CREATE ROLE puhui_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'owner_password';
CREATE ROLE puhui_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'application_password';
CREATE DATABASE puhui OWNER puhui_owner TEMPLATE template0
    ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';
REVOKE CONNECT, TEMPORARY ON DATABASE puhui FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE puhui TO puhui_app;
\connect puhui
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO puhui_owner;
GRANT USAGE ON SCHEMA public TO puhui_app;
SQL
