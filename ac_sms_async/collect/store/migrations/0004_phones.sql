-- Who asks to be forgotten is found by phone number, among millions. PostgreSQL's usual index refuses texts of some
-- thousand characters, and what a phone number looks like is the server's choice.

ON SQLITE CREATE INDEX recipients_by_phone ON recipients (phone_number);
ON POSTGRESQL CREATE INDEX recipients_by_phone ON recipients USING hash (phone_number);
