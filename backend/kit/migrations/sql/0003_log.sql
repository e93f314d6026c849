-- The log: entries, the nodes of their Merkle tree, signed tree heads, and the seals over other tables' rows.

-- `canonical` is what is hashed; kind, recorded_at and body are read out of it, so that SQL can use them.
CREATE TABLE log_entry (
    index bigint PRIMARY KEY CHECK (index >= 0),
    kind text NOT NULL CHECK (kind ~ '^[a-z]+([._-][a-z]+)*$'),
    body jsonb NOT NULL,
    canonical bytea NOT NULL,
    leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
    recorded_at timestamptz NOT NULL
);

CREATE INDEX log_entry_kind ON log_entry (kind, index);

-- Complete subtrees from level 1 up; level 0 is log_entry.leaf_hash.
CREATE TABLE log_node (
    level integer NOT NULL CHECK (level BETWEEN 1 AND 62),
    index bigint NOT NULL CHECK (index >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, index)
);

-- Every public key that ever signed; the identifier is the one of the signed-note format.
CREATE TABLE log_key (
    key_id bytea PRIMARY KEY,
    generation integer NOT NULL CHECK (generation >= 1),
    name text NOT NULL CHECK (name <> '' AND name !~ '[+[:space:]]'),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    UNIQUE (name, generation),
    CONSTRAINT key_id_derived CHECK (
        key_id = substr(sha256(convert_to(name, 'UTF8') || '\x0a01'::bytea || public_key), 1, 4))
);

CREATE TABLE log_tree_head (
    size bigint PRIMARY KEY CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    signed_at timestamptz NOT NULL,
    key_id bytea NOT NULL REFERENCES log_key,
    note text NOT NULL
);

-- A block covers the rows whose transaction lies in [from_xid, to_xid). Blocks of one table follow each other
-- without a gap; a transaction too large for one block has several parts with the same range.
-- `key` orders the rows of one transaction; `columns` are those that the hashes cover.
-- `marks` holds the first 4 bytes of each row's leaf hash, so that a changed row can be named.
CREATE TABLE log_seal (
    table_name text NOT NULL,
    block_no bigint NOT NULL CHECK (block_no >= 0),
    part integer NOT NULL CHECK (part >= 0),
    from_xid xid8 NOT NULL,
    to_xid xid8 NOT NULL CHECK (to_xid > from_xid),
    rows bigint NOT NULL CHECK (rows > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    key text[] NOT NULL,
    columns text[] NOT NULL,
    marks bytea NOT NULL,
    entry_index bigint NOT NULL UNIQUE REFERENCES log_entry,
    PRIMARY KEY (table_name, block_no),
    CONSTRAINT a_mark_per_row CHECK (octet_length(marks) = 4 * rows)
);

-- One at a time, so that indexes have no gap; the lock goes with the transaction, and so does a rolled-back entry.
CREATE FUNCTION log_append(documents bytea[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_index bigint;
    at bigint;
    document bytea;
    parsed jsonb;
    hash bytea;
    sibling bytea;
    height integer;
    place bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7318003);
    SELECT coalesce(max(e.index) + 1, 0) INTO first_index FROM public.log_entry e;
    at := first_index;
    FOREACH document IN ARRAY documents LOOP
        parsed := convert_from(document, 'UTF8')::jsonb;
        hash := sha256('\x00'::bytea || document);
        INSERT INTO public.log_entry (index, kind, body, canonical, leaf_hash, recorded_at)
        VALUES (at, parsed->>'kind', parsed->'body', document, hash, (parsed->>'recorded_at')::timestamptz);
        height := 0;
        place := at;
        WHILE place % 2 = 1 LOOP
            IF height = 0 THEN
                SELECT e.leaf_hash INTO STRICT sibling FROM public.log_entry e WHERE e.index = place - 1;
            ELSE
                SELECT n.hash INTO STRICT sibling FROM public.log_node n
                WHERE n.level = height AND n.index = place - 1;
            END IF;
            hash := sha256('\x01'::bytea || sibling || hash);
            height := height + 1;
            place := place / 2;
            INSERT INTO public.log_node (level, index, hash) VALUES (height, place, hash);
        END LOOP;
        at := at + 1;
    END LOOP;
    RETURN first_index;
END $$;

-- The root of the tree over the first `tree_size` entries, from its complete subtrees, the smallest first.
CREATE FUNCTION log_root(tree_size bigint) RETURNS bytea
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    root bytea;
    peak bytea;
BEGIN
    IF tree_size = 0 THEN
        RETURN sha256(''::bytea);
    END IF;
    FOR height IN 0..62 LOOP
        CONTINUE WHEN (tree_size >> height) & 1 = 0;
        IF height = 0 THEN
            SELECT e.leaf_hash INTO STRICT peak FROM public.log_entry e WHERE e.index = tree_size - 1;
        ELSE
            SELECT n.hash INTO STRICT peak FROM public.log_node n
            WHERE n.level = height AND n.index = (tree_size >> height) - 1;
        END IF;
        root := CASE WHEN root IS NULL THEN peak ELSE sha256('\x01'::bytea || peak || root) END;
    END LOOP;
    RETURN root;
END $$;

-- One key per name and generation, for good.
CREATE FUNCTION log_register_key(key_generation integer, key_name text, key bytea) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bytea := substr(sha256(convert_to(key_name, 'UTF8') || '\x0a01'::bytea || key), 1, 4);
BEGIN
    INSERT INTO public.log_key (key_id, generation, name, public_key)
    VALUES (id, key_generation, key_name, key)
    ON CONFLICT DO NOTHING;
    IF NOT EXISTS (SELECT FROM public.log_key k
            WHERE (k.key_id, k.generation, k.name, k.public_key) = (id, key_generation, key_name, key)) THEN
        RAISE EXCEPTION 'another key signed under this name and generation' USING ERRCODE = 'LG003';
    END IF;
    RETURN id;
END $$;

-- Stores what was signed only when it is the true root of a tree larger than the last signed one.
CREATE FUNCTION log_store_head(tree_size bigint, tree_root bytea, at timestamptz, signer bytea, signed text)
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
    INSERT INTO public.log_tree_head (size, root, signed_at, key_id, note)
    VALUES (tree_size, tree_root, at, signer, signed);
    RETURN true;
END $$;

-- Stores a block only when it continues the table's last one and its log entry says the same.
CREATE FUNCTION log_store_seal(
    sealed_table text, number bigint, part_no integer, low xid8, high xid8, row_count bigint, block_root bytea,
    row_key text[], sealed_columns text[], row_marks bytea, entry bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last public.log_seal;
    stated jsonb;
BEGIN
    SELECT s.* INTO last FROM public.log_seal s
    WHERE s.table_name = sealed_table ORDER BY s.block_no DESC LIMIT 1;
    SELECT e.body INTO STRICT stated FROM public.log_entry e WHERE e.index = entry AND e.kind = 'seal.block';
    IF number <> coalesce(last.block_no + 1, 0)
        OR (part_no = 0 AND low <> coalesce(last.to_xid, '0'::xid8))
        OR (part_no > 0 AND (last.part, last.from_xid, last.to_xid) IS DISTINCT FROM (part_no - 1, low, high))
        OR high > pg_snapshot_xmin(pg_current_snapshot())
        OR stated IS DISTINCT FROM jsonb_build_object(
            'table', sealed_table, 'block', number, 'part', part_no, 'from_xid', low::text::numeric,
            'to_xid', high::text::numeric, 'rows', row_count, 'root', encode(block_root, 'hex'),
            'key', row_key, 'columns', sealed_columns) THEN
        RAISE EXCEPTION 'the block does not continue the seals of its table' USING ERRCODE = 'LG002';
    END IF;
    INSERT INTO public.log_seal (
        table_name, block_no, part, from_xid, to_xid, rows, root, key, columns, marks, entry_index)
    VALUES (
        sealed_table, number, part_no, low, high, row_count, block_root, row_key, sealed_columns, row_marks, entry);
END $$;

CREATE TRIGGER log_entry_kept BEFORE UPDATE OR DELETE ON log_entry
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER log_entry_not_emptied BEFORE TRUNCATE ON log_entry
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

CREATE TRIGGER log_node_kept BEFORE UPDATE OR DELETE ON log_node
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER log_node_not_emptied BEFORE TRUNCATE ON log_node
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

CREATE TRIGGER log_key_kept BEFORE UPDATE OR DELETE ON log_key
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER log_key_not_emptied BEFORE TRUNCATE ON log_key
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

CREATE TRIGGER log_tree_head_kept BEFORE UPDATE OR DELETE ON log_tree_head
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER log_tree_head_not_emptied BEFORE TRUNCATE ON log_tree_head
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

CREATE TRIGGER log_seal_kept BEFORE UPDATE OR DELETE ON log_seal
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER log_seal_not_emptied BEFORE TRUNCATE ON log_seal
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

GRANT SELECT ON log_entry, log_node, log_key, log_tree_head, log_seal TO puhui_app;

REVOKE ALL ON FUNCTION log_append(bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_append(bytea[]) TO puhui_app;
REVOKE ALL ON FUNCTION log_root(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_root(bigint) TO puhui_app;
REVOKE ALL ON FUNCTION log_register_key(integer, text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_register_key(integer, text, bytea) TO puhui_app;
REVOKE ALL ON FUNCTION log_store_head(bigint, bytea, timestamptz, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_store_head(bigint, bytea, timestamptz, bytea, text) TO puhui_app;
REVOKE ALL ON FUNCTION log_store_seal(text, bigint, integer, xid8, xid8, bigint, bytea, text[], text[], bytea, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_store_seal(text, bigint, integer, xid8, xid8, bigint, bytea, text[], text[], bytea, bigint) TO puhui_app;
