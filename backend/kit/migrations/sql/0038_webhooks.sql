-- Webhooks: who is told what, deliveries and their attempts.

SELECT 1;
