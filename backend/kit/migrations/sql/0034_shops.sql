-- Merchants' applications, shops, clerks, tills and keys of their software.

SELECT 1;
