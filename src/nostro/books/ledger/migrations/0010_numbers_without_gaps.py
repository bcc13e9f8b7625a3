"""Numbers of a series have no gaps, and what is posted stays as it is (books.md 14.6, decision 0036)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_series_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.company_id <> OLD.company_id OR NEW.kind <> OLD.kind OR NEW.year <> OLD.year
       OR NEW.last <> OLD.last + 1 AND OLD.last <> 0 OR NEW.last < OLD.last THEN
        RAISE EXCEPTION 'series % of % cannot go from % to %', OLD.kind, OLD.year, OLD.last, NEW.last
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_without_gaps';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER series_steps BEFORE UPDATE ON ledger_numberseries
    FOR EACH ROW EXECUTE FUNCTION ledger_series_steps();

CREATE FUNCTION ledger_series_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last > 0 AND NOT EXISTS (
            SELECT FROM ledger_document document
            WHERE document.company_id = NEW.company_id AND document.kind = NEW.kind
              AND document.series_year = NEW.year AND document.series_number = NEW.last)
       AND NOT (NEW.kind = 'misc' AND EXISTS (
            SELECT FROM ledger_miscentry misc WHERE misc.company_id = NEW.company_id
              AND misc.series_year = NEW.year AND misc.series_number = NEW.last)) THEN
        RAISE EXCEPTION 'number % of series % of % was given to nothing', NEW.last, NEW.kind, NEW.year
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_without_gaps';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER series_used AFTER INSERT OR UPDATE ON ledger_numberseries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_series_used();

CREATE FUNCTION ledger_posted_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is posted is reversed, not changed or deleted'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'posted_stays';
END $$;

CREATE TRIGGER posted_stays BEFORE DELETE ON ledger_document
    FOR EACH ROW EXECUTE FUNCTION ledger_posted_stays();
CREATE TRIGGER posted_stays_as_it_is BEFORE UPDATE ON ledger_document FOR EACH ROW
    WHEN ((OLD.company_id, OLD.kind, OLD.number, OLD.date, OLD.amount, OLD.tax_amount, OLD.currency, OLD.entry_id,
           OLD.open_item_id, OLD.series_year, OLD.series_number, OLD.reverses_id) IS DISTINCT FROM
          (NEW.company_id, NEW.kind, NEW.number, NEW.date, NEW.amount, NEW.tax_amount, NEW.currency, NEW.entry_id,
           NEW.open_item_id, NEW.series_year, NEW.series_number, NEW.reverses_id))
    EXECUTE FUNCTION ledger_posted_stays();
CREATE TRIGGER posted_stays BEFORE DELETE OR UPDATE ON ledger_miscentry
    FOR EACH ROW EXECUTE FUNCTION ledger_posted_stays();
CREATE TRIGGER posted_stays BEFORE DELETE ON ledger_documentdraft FOR EACH ROW
    WHEN (OLD.document_id IS NOT NULL OR OLD.misc_entry_id IS NOT NULL)
    EXECUTE FUNCTION ledger_posted_stays();
CREATE TRIGGER posted_stays_as_it_is BEFORE UPDATE ON ledger_documentdraft FOR EACH ROW
    WHEN ((OLD.document_id IS NOT NULL OR OLD.misc_entry_id IS NOT NULL) AND
          (OLD.company_id, OLD.kind, OLD.content, OLD.version, OLD.document_id, OLD.misc_entry_id) IS DISTINCT FROM
          (NEW.company_id, NEW.kind, NEW.content, NEW.version, NEW.document_id, NEW.misc_entry_id))
    EXECUTE FUNCTION ledger_posted_stays();
"""

REVERSE = """
DROP TRIGGER posted_stays_as_it_is ON ledger_documentdraft;
DROP TRIGGER posted_stays ON ledger_documentdraft;
DROP TRIGGER posted_stays ON ledger_miscentry;
DROP TRIGGER posted_stays_as_it_is ON ledger_document;
DROP TRIGGER posted_stays ON ledger_document;
DROP FUNCTION ledger_posted_stays();
DROP TRIGGER series_used ON ledger_numberseries;
DROP FUNCTION ledger_series_used();
DROP TRIGGER series_steps ON ledger_numberseries;
DROP FUNCTION ledger_series_steps();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_drafts")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
