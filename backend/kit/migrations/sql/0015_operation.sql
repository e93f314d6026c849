-- Generations of the log's signing key, secrets that can be sealed again, and the audits that were run.

-- The first key of a name begins it; a later one only follows an entry of the log that names it.
CREATE OR REPLACE FUNCTION log_register_key(key_generation integer, key_name text, key bytea) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bytea := substr(sha256(convert_to(key_name, 'UTF8') || '\x0a01'::bytea || key), 1, 4);
BEGIN
    IF key_generation > 1 AND NOT EXISTS (SELECT FROM public.log_entry e
            WHERE e.kind = 'log.key_rotated' AND e.body->>'name' = key_name
                AND (e.body->>'generation')::integer = key_generation
                AND e.body->>'public_key' = encode(key, 'base64')) THEN
        RAISE EXCEPTION 'the log does not name this key' USING ERRCODE = 'LG003';
    END IF;
    INSERT INTO public.log_key (key_id, generation, name, public_key)
    VALUES (id, key_generation, key_name, key)
    ON CONFLICT DO NOTHING;
    IF NOT EXISTS (SELECT FROM public.log_key k
            WHERE (k.key_id, k.generation, k.name, k.public_key) = (id, key_generation, key_name, key)) THEN
        RAISE EXCEPTION 'another key signed under this name and generation' USING ERRCODE = 'LG003';
    END IF;
    RETURN id;
END $$;

-- As before, and a key that has a successor signs no more.
CREATE OR REPLACE FUNCTION log_store_head(tree_size bigint, tree_root bytea, at timestamptz, signer bytea, signed text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7318004);
    IF tree_root <> public.log_root(tree_size) OR split_part(signed, E'\n', 2) <> tree_size::text
        OR split_part(signed, E'\n', 3) <> encode(tree_root, 'base64') THEN
        RAISE EXCEPTION 'the signed head is not the root of the log at that size' USING ERRCODE = 'LG001';
    END IF;
    IF EXISTS (SELECT FROM public.log_tree_head h WHERE h.size >= tree_size) THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM public.log_key k JOIN public.log_key n ON n.name = k.name AND n.generation > k.generation
            WHERE k.key_id = signer) THEN
        RAISE EXCEPTION 'the key has a successor' USING ERRCODE = 'LG004';
    END IF;
    INSERT INTO public.log_tree_head (size, root, signed_at, key_id, note)
    VALUES (tree_size, tree_root, at, signer, signed);
    RETURN true;
END $$;

-- One rotation at a time, and no head meanwhile; until the end of the transaction.
CREATE FUNCTION log_lock_heads() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT pg_advisory_xact_lock(7318004) $$;
REVOKE ALL ON FUNCTION log_lock_heads() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_lock_heads() TO puhui_app;

-- A person's data key is wrapped again when the master key is replaced.
GRANT UPDATE (wrapped) ON person_key TO puhui_app;

-- Every audit that was run. `horizon` is the oldest transaction that had not ended: a later incremental audit begins
-- there. `mac` is keyed, so that a run that never was cannot be slipped in to narrow the next one.
CREATE TABLE audit_run (
    id uuid PRIMARY KEY,
    mode text NOT NULL CHECK (mode IN ('full', 'incremental')),
    based_on uuid REFERENCES audit_run,
    full_run uuid,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL CHECK (ended_at >= began_at),
    revision text NOT NULL,
    horizon xid8 NOT NULL,
    log_size bigint NOT NULL CHECK (log_size >= 0),
    log_root bytea NOT NULL CHECK (octet_length(log_root) = 32),
    rows bigint NOT NULL CHECK (rows >= 0),
    violations bigint NOT NULL CHECK (violations >= 0),
    mac bytea NOT NULL CHECK (octet_length(mac) = 32),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT incremental_continues CHECK ((mode = 'incremental') = (based_on IS NOT NULL))
);
CREATE INDEX audit_run_xid ON audit_run (xid);
CREATE INDEX audit_run_ended ON audit_run (ended_at);
CREATE TRIGGER audit_run_kept BEFORE UPDATE OR DELETE ON audit_run
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER audit_run_not_emptied BEFORE TRUNCATE ON audit_run
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON audit_run TO puhui_app;
