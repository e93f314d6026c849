-- Guardians, leaving, exports, and who looked at whom.

SELECT 1;
