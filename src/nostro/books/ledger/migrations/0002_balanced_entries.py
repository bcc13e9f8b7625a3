"""Every entry balances, and the database sees to it when a transaction commits (books.md I-1)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed uuid := COALESCE(NEW.entry_id, OLD.entry_id);
    total numeric;
    total_currency numeric;
    one_currency boolean;
BEGIN
    SELECT sum(amount), sum(amount_currency), min(currency) = max(currency)
      INTO total, total_currency, one_currency
      FROM ledger_entryitem WHERE entry_id = changed;
    IF total <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance: %', changed, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    IF one_currency AND total_currency <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance in its currency: %', changed, total_currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER entry_balances
    AFTER INSERT OR DELETE OR UPDATE OF entry_id, amount, amount_currency, currency ON ledger_entryitem
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
"""

REVERSE = """
DROP TRIGGER entry_balances ON ledger_entryitem;
DROP FUNCTION ledger_entry_balances();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
