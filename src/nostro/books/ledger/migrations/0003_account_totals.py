"""Totals of each account and day, kept by the database; and the check of new entries in one statement (decision 0022)."""

from django.db import migrations, models

import nostro.web.fields

FORWARD = """
CREATE TABLE ledger_entry_to_check (entry_id uuid NOT NULL);

CREATE FUNCTION ledger_check_noted_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ledger_entryitem WHERE entry_id = NEW.entry_id
        GROUP BY entry_id
        HAVING sum(amount) <> 0 OR (min(currency) = max(currency) AND sum(amount_currency) <> 0);
    IF FOUND THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    DELETE FROM ledger_entry_to_check WHERE entry_id = NEW.entry_id;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER entry_balances_at_the_end AFTER INSERT ON ledger_entry_to_check
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_noted_entry();

-- Items that balance by themselves leave a balanced entry balanced, so only the others are noted.
CREATE FUNCTION ledger_items_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_entry_to_check
        SELECT entry_id FROM inserted GROUP BY entry_id
        HAVING sum(amount) <> 0 OR (min(currency) = max(currency) AND sum(amount_currency) <> 0);
    INSERT INTO ledger_accounttotal (account_id, day, debit, credit, amount_currency)
        SELECT account_id, date, sum(greatest(amount, 0)), sum(greatest(-amount, 0)), sum(amount_currency)
        FROM inserted GROUP BY account_id, date;
    RETURN NULL;
END $$;

CREATE FUNCTION ledger_items_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO ledger_accounttotal (account_id, day, debit, credit, amount_currency)
            SELECT account_id, date, -sum(greatest(amount, 0)), -sum(greatest(-amount, 0)), -sum(amount_currency)
            FROM removed GROUP BY account_id, date;
        RETURN NULL;
    END IF;
    INSERT INTO ledger_accounttotal (account_id, day, debit, credit, amount_currency)
        SELECT account_id, date, sum(sign * greatest(amount, 0)), sum(sign * greatest(-amount, 0)),
               sum(sign * amount_currency)
        FROM (SELECT account_id, date, amount, amount_currency, 1 AS sign FROM inserted
              UNION ALL SELECT account_id, date, amount, amount_currency, -1 FROM removed) AS both_sides
        GROUP BY account_id, date
        HAVING sum(sign * greatest(amount, 0)) <> 0 OR sum(sign * greatest(-amount, 0)) <> 0
            OR sum(sign * amount_currency) <> 0;
    RETURN NULL;
END $$;

DROP TRIGGER entry_balances ON ledger_entryitem;
CREATE CONSTRAINT TRIGGER entry_balances
    AFTER DELETE OR UPDATE OF entry_id, amount, amount_currency, currency ON ledger_entryitem
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE TRIGGER items_inserted AFTER INSERT ON ledger_entryitem
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION ledger_items_inserted();
CREATE TRIGGER items_updated AFTER UPDATE ON ledger_entryitem
    REFERENCING NEW TABLE AS inserted OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_items_changed();
CREATE TRIGGER items_deleted AFTER DELETE ON ledger_entryitem
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION ledger_items_changed();

INSERT INTO ledger_accounttotal (account_id, day, debit, credit, amount_currency)
    SELECT account_id, date, sum(greatest(amount, 0)), sum(greatest(-amount, 0)), sum(amount_currency)
    FROM ledger_entryitem GROUP BY account_id, date;
"""

REVERSE = """
DROP TRIGGER items_deleted ON ledger_entryitem;
DROP TRIGGER items_updated ON ledger_entryitem;
DROP TRIGGER items_inserted ON ledger_entryitem;
DROP TRIGGER entry_balances ON ledger_entryitem;
DROP FUNCTION ledger_items_changed();
DROP FUNCTION ledger_items_inserted();
DROP TABLE ledger_entry_to_check;
DROP FUNCTION ledger_check_noted_entry();
CREATE CONSTRAINT TRIGGER entry_balances
    AFTER INSERT OR DELETE OR UPDATE OF entry_id, amount, amount_currency, currency ON ledger_entryitem
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_balanced_entries")]

    operations = [
        migrations.CreateModel(
            name="AccountTotal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("account_id", models.UUIDField()),
                ("day", models.DateField()),
                ("debit", nostro.web.fields.AmountField()),
                ("credit", nostro.web.fields.AmountField()),
                ("amount_currency", nostro.web.fields.AmountField()),
            ],
            options={"indexes": [models.Index(fields=["account_id", "day"], name="total_by_account_day")]},
        ),
        migrations.RunSQL(FORWARD, REVERSE),
    ]
