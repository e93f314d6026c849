-- Proofs of means, means that are lost or replaced, shared meters, households and firms with members.

SELECT 1;
