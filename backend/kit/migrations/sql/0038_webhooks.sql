-- Webhooks: who is told what, deliveries and their attempts. All of it is operation: no fact rests on these rows.

-- Where an organisation wants to be told. `form`: v1 = HMAC-SHA-256 with a shared secret, v1a = Ed25519.
CREATE TABLE webhook_endpoint (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation,
    url text NOT NULL CHECK (length(url) BETWEEN 8 AND 2000),
    events text[] NOT NULL CHECK (cardinality(events) > 0),
    form text NOT NULL CHECK (form IN ('v1', 'v1a')),
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    disabled_at timestamptz,
    disabled_because text CHECK (disabled_because IN ('by_hand', 'gone', 'failing')),
    removed_at timestamptz,
    CONSTRAINT webhook_endpoint_disabled CHECK ((disabled_at IS NULL) = (disabled_because IS NULL))
);
CREATE INDEX webhook_endpoint_organisation ON webhook_endpoint (organisation_id) WHERE removed_at IS NULL;

-- Names of keys: the key itself is derived from the platform's and stored nowhere. Several are good while one replaces another.
CREATE TABLE webhook_secret (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint,
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    ends_at timestamptz
);
CREATE INDEX webhook_secret_endpoint ON webhook_secret (endpoint_id);

CREATE TABLE webhook_message (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation,
    event text NOT NULL,
    data jsonb NOT NULL,
    happened_at timestamptz NOT NULL
);
CREATE INDEX webhook_message_happened ON webhook_message (happened_at);

-- One message for one endpoint. `next_at`: when it is tried (again); whoever tries moves it on first, as a lease.
CREATE TABLE webhook_delivery (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    message_id uuid NOT NULL REFERENCES webhook_message ON DELETE CASCADE,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    round integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    ended_at timestamptz,
    UNIQUE (message_id, endpoint_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, message_id);

CREATE TABLE webhook_attempt (
    delivery_id uuid NOT NULL REFERENCES webhook_delivery ON DELETE CASCADE,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    took_ms integer NOT NULL,
    status integer,
    fault text,
    PRIMARY KEY (delivery_id, number)
);

-- Tell an organisation's endpoints that asked for this event; nothing where none did, and nothing the second time.
CREATE FUNCTION webhook_tell(
    p_id pg_catalog.uuid, p_organisation pg_catalog.uuid, p_event pg_catalog.text, p_data pg_catalog.jsonb,
    p_at pg_catalog.timestamptz)
RETURNS pg_catalog.int4
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told integer;
BEGIN
    IF NOT EXISTS (
        SELECT FROM webhook_endpoint e WHERE e.organisation_id = p_organisation AND e.removed_at IS NULL
            AND e.disabled_at IS NULL AND p_event = ANY (e.events)) THEN
        RETURN 0;
    END IF;
    INSERT INTO webhook_message (id, organisation_id, event, data, happened_at)
    VALUES (p_id, p_organisation, p_event, p_data, p_at) ON CONFLICT DO NOTHING;
    INSERT INTO webhook_delivery (message_id, endpoint_id, next_at)
    SELECT p_id, e.id, p_at FROM webhook_endpoint e
    WHERE e.organisation_id = p_organisation AND e.removed_at IS NULL AND e.disabled_at IS NULL AND p_event = ANY (e.events)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS told = ROW_COUNT;
    RETURN told;
END $$;

GRANT SELECT, INSERT, UPDATE ON webhook_endpoint, webhook_secret, webhook_delivery TO puhui_app;
GRANT SELECT, INSERT, DELETE ON webhook_message, webhook_attempt TO puhui_app;
GRANT DELETE ON webhook_delivery TO puhui_app;
REVOKE ALL ON FUNCTION webhook_tell FROM PUBLIC;
GRANT EXECUTE ON FUNCTION webhook_tell TO puhui_app;
