-- Proofs of means, means that are lost or replaced, shared meters, households and firms with members.

-- A citizen acts for a household or a firm: a standing membership has no end row.
CREATE TABLE membership (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES participant,
    member_id uuid NOT NULL REFERENCES participant,
    role text NOT NULL CHECK (role IN ('manager', 'member')),
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
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
GRANT SELECT, INSERT ON membership, membership_end TO puhui_app;
GRANT SELECT, INSERT, UPDATE ON member_group TO puhui_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON member_invitation TO puhui_app;

-- Whoever acts in a session whose subject is a household or a firm.
ALTER TABLE token_family ADD COLUMN actor_id uuid REFERENCES participant;
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
