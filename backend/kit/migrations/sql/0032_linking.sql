-- Proofs of means, means that are lost or replaced, shared meters, households and firms with members.

-- A citizen acts for a household or a firm: a standing membership has no end row.
CREATE TABLE membership (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES participant,
    member_id uuid NOT NULL REFERENCES participant,
    role text NOT NULL CHECK (role IN ('manager', 'member', 'observer')),
    added_by uuid NOT NULL REFERENCES participant,
    added_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT membership_two CHECK (group_id <> member_id)
);
CREATE INDEX membership_group ON membership (group_id);
CREATE INDEX membership_member ON membership (member_id);
CREATE INDEX membership_xid ON membership (xid);
CREATE TRIGGER membership_kept BEFORE UPDATE OR DELETE ON membership
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER membership_not_emptied BEFORE TRUNCATE ON membership
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

CREATE TABLE membership_end (
    membership_id uuid PRIMARY KEY REFERENCES membership,
    ended_by uuid NOT NULL REFERENCES participant,
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX membership_end_xid ON membership_end (xid);
CREATE TRIGGER membership_end_kept BEFORE UPDATE OR DELETE ON membership_end
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER membership_end_not_emptied BEFORE TRUNCATE ON membership_end
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

-- What a group is called, sealed under a key of the group's own; and invitations, by digest. Operation, both.
CREATE TABLE member_group (
    group_id uuid PRIMARY KEY REFERENCES participant,
    name_sealed bytea NOT NULL
);
CREATE TABLE member_invitation (
    digest bytea PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES participant,
    invited_by uuid NOT NULL REFERENCES participant,
    role text NOT NULL CHECK (role IN ('member', 'observer')),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
GRANT SELECT, INSERT ON membership, membership_end TO puhui_app;
GRANT SELECT, INSERT, UPDATE ON member_group TO puhui_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON member_invitation TO puhui_app;

-- What a member did for a household or a firm: the operation that changed something, and its address. Redemptions say it themselves, by a
-- trigger of theirs.
CREATE TABLE group_act (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    group_id uuid NOT NULL REFERENCES participant,
    actor_id uuid NOT NULL REFERENCES participant,
    operation text NOT NULL CHECK (operation ~ '^[a-z_]{1,60}$'),
    address text NOT NULL CHECK (length(address) <= 300),
    acted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT group_act_two CHECK (group_id <> actor_id)
);
CREATE INDEX group_act_group ON group_act (group_id, acted_at, id);
CREATE INDEX group_act_actor ON group_act (actor_id);
CREATE INDEX group_act_xid ON group_act (xid);
CREATE TRIGGER group_act_kept BEFORE UPDATE OR DELETE ON group_act
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER group_act_not_emptied BEFORE TRUNCATE ON group_act
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON group_act TO puhui_app;

-- Whoever acts in a session whose subject is a household or a firm, and whether they may only see what it has.
ALTER TABLE token_family ADD COLUMN actor_id uuid REFERENCES participant;
ALTER TABLE token_family ADD COLUMN see_only boolean NOT NULL DEFAULT false;
CREATE INDEX token_family_actor ON token_family (actor_id) WHERE actor_id IS NOT NULL AND revoked_at IS NULL;

-- Further proofs: who can tell when the last trips of a card were; an account of the same person that held it before.
ALTER TABLE means_holding DROP CONSTRAINT means_holding_proof_check;
ALTER TABLE means_holding ADD CONSTRAINT means_holding_proof_check
    CHECK (proof IN ('partner_code', 'partner_list', 'last_trips'));

-- Why a holding ended, where its holder said so: lost, or replaced by another one of theirs.
CREATE TABLE means_ended (
    holding_id bigint PRIMARY KEY REFERENCES means_holding,
    why text NOT NULL CHECK (why IN ('lost', 'replaced')),
    successor_id bigint REFERENCES means_holding,
    said_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT means_ended_successor CHECK ((why = 'replaced') = (successor_id IS NOT NULL))
);
CREATE INDEX means_ended_xid ON means_ended (xid);
CREATE TRIGGER means_ended_kept BEFORE UPDATE OR DELETE ON means_ended
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER means_ended_not_emptied BEFORE TRUNCATE ON means_ended
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON means_ended TO puhui_app;

-- A third proof: a small amount that the operator charged to the account, told by whoever sees its bill. Of the amount a keyed digest is
-- kept. Operation: charges are forgotten after a year.
ALTER TABLE means_holding DROP CONSTRAINT means_holding_proof_check;
ALTER TABLE means_holding ADD CONSTRAINT means_holding_proof_check
    CHECK (proof IN ('partner_code', 'partner_list', 'last_trips', 'small_charge'));
CREATE TABLE means_charge (
    id uuid PRIMARY KEY,
    token uuid NOT NULL,
    digest bytea NOT NULL,
    charged_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    tries int NOT NULL DEFAULT 0,
    used_at timestamptz
);
CREATE INDEX means_charge_token ON means_charge (token, charged_at);
GRANT SELECT, INSERT, UPDATE (tries, used_at), DELETE ON means_charge TO puhui_app;

-- Which firm an account is: its unified social credit code, said by a manager, checked by a person of the operator. One firm has one account.
CREATE TABLE firm_claim (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES participant,
    code_index bytea NOT NULL,
    code_sealed bytea NOT NULL,
    claimed_by uuid NOT NULL REFERENCES participant,
    claimed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX firm_claim_group ON firm_claim (group_id);
CREATE INDEX firm_claim_xid ON firm_claim (xid);
CREATE TABLE firm_check (
    claim_id uuid PRIMARY KEY REFERENCES firm_claim,
    group_id uuid NOT NULL REFERENCES participant,
    code_index bytea NOT NULL,
    confirmed boolean NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    checked_by uuid NOT NULL REFERENCES staff,
    checked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE UNIQUE INDEX firm_check_code ON firm_check (code_index) WHERE confirmed;
CREATE UNIQUE INDEX firm_check_group ON firm_check (group_id) WHERE confirmed;
CREATE INDEX firm_check_xid ON firm_check (xid);
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['firm_claim', 'firm_check'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept || '_kept', kept);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept || '_not_emptied', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON firm_claim, firm_check TO puhui_app;

-- A firm redeems once it was checked.
ALTER FUNCTION redeemable(uuid) RENAME TO redeemable_but_for_firms;
CREATE FUNCTION redeemable(p_participant uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT redeemable_but_for_firms(p_participant) AND (
        NOT EXISTS (SELECT FROM participant p WHERE p.id = p_participant AND p.kind = 'firm')
        OR EXISTS (SELECT FROM firm_check c WHERE c.group_id = p_participant AND c.confirmed))
$$;
REVOKE EXECUTE ON FUNCTION redeemable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION redeemable TO puhui_app;

-- Somebody shows the operator's code of a means that another one holds: its holder is told and may object; a person of the operator decides then.
CREATE TABLE means_takeover (
    id uuid PRIMARY KEY,
    holding_id bigint NOT NULL REFERENCES means_holding,
    number int NOT NULL CHECK (number BETWEEN 1 AND 3),
    taker_id uuid NOT NULL REFERENCES participant,
    asked_at timestamptz NOT NULL,
    objects_until timestamptz NOT NULL CHECK (objects_until > asked_at),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT means_takeover_one UNIQUE (holding_id, number)
);
CREATE INDEX means_takeover_taker ON means_takeover (taker_id);
CREATE INDEX means_takeover_xid ON means_takeover (xid);
CREATE TABLE means_takeover_step (
    takeover_id uuid NOT NULL REFERENCES means_takeover,
    step text NOT NULL CHECK (step IN ('objected', 'granted', 'refused', 'withdrawn', 'done')),
    reason text NOT NULL,
    decided_by uuid REFERENCES staff,
    stepped_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (takeover_id, step),
    CONSTRAINT means_takeover_decided CHECK ((decided_by IS NOT NULL) = (step IN ('granted', 'refused')))
);
CREATE UNIQUE INDEX means_takeover_once ON means_takeover_step (takeover_id) WHERE step IN ('granted', 'refused');
CREATE UNIQUE INDEX means_takeover_end ON means_takeover_step (takeover_id) WHERE step IN ('refused', 'withdrawn', 'done');
CREATE INDEX means_takeover_step_xid ON means_takeover_step (xid);
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['means_takeover', 'means_takeover_step'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept || '_kept', kept);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept || '_not_emptied', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON means_takeover, means_takeover_step TO puhui_app;
