-- What a citizen is told, what they want to be told, and which programmes they take part in.

SELECT 1;
