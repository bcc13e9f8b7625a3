"""Nothing is posted on a locked day, and the database sees to it (books.md 14.4, I-15).

A statement of many rows is looked at once. Documents know whether they are sales or purchases; entries of bank lines
are known by their kind.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_entry_not_locked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    locked date;
BEGIN
    SELECT made.date INTO locked
      FROM made JOIN companies_company company ON company.id = made.company_id
      WHERE made.date <= GREATEST(
            company.lock_date, company.hard_lock_date, CASE WHEN made.kind = 'bank' THEN company.bank_lock_date END)
      LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry is dated % and that day is locked', locked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_not_locked';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_not_locked AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_not_locked();

CREATE FUNCTION ledger_document_not_locked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    locked date;
BEGIN
    SELECT made.date INTO locked
      FROM made JOIN companies_company company ON company.id = made.company_id
      WHERE made.date <= CASE WHEN made.kind IN ('invoice', 'credit_note') THEN company.sales_lock_date
                              ELSE company.purchase_lock_date END
      LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a document is dated % and that day is locked', locked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_not_locked';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER document_not_locked AFTER INSERT ON ledger_document
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION ledger_document_not_locked();
"""

REVERSE = """
DROP TRIGGER document_not_locked ON ledger_document;
DROP FUNCTION ledger_document_not_locked();
DROP TRIGGER entry_not_locked ON ledger_entry;
DROP FUNCTION ledger_entry_not_locked();
"""


class Migration(migrations.Migration):
    dependencies = [("companies", "0003_lock_dates_by_type"), ("ledger", "0004_taxes_and_terms")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
