-- Codes to type, confirmations, scans, refunds in parts.

SELECT 1;
