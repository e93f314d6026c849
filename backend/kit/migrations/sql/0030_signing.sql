-- Doors besides the phone, devices, step-up, and changing the phone.

SELECT 1;
