"""The three amounts of a line agree with each other and never change after it was posted (books.md 14.2, I-12).

Journal amount J, foreign amount F, company amount C: C is J where the journal is in the company's currency, and F where
F is. A correction takes the line's entry away and posts another; F may be stated once, before the line is matched.
"""

from django.db import migrations, models
from django.db.models import F, Q

FORWARD = """
CREATE FUNCTION journals_line_amounts_agree() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT made.id INTO wrong
      FROM made JOIN companies_company company ON company.id = made.company_id
      WHERE made.status IN ('posted', 'withdrawn')
        AND (made.currency = company.currency AND made.company_amount <> made.amount
             OR made.currency <> company.currency AND made.foreign_currency = company.currency
                AND made.company_amount <> made.foreign_amount)
      LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the amounts of line % do not agree', wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'line_amounts_agree';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER line_amounts_agree AFTER INSERT ON journals_line
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION journals_line_amounts_agree();

CREATE FUNCTION journals_line_amounts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the amounts of line % are fixed', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'line_amounts_stay';
END $$;

CREATE TRIGGER line_amounts_stay
    BEFORE UPDATE OF amount, currency, company_amount, foreign_amount, foreign_currency ON journals_line
    FOR EACH ROW WHEN (
        OLD.entry_id IS NOT NULL AND NEW.entry_id = OLD.entry_id
        AND ((OLD.amount, OLD.currency, OLD.company_amount) IS DISTINCT FROM
             (NEW.amount, NEW.currency, NEW.company_amount)
             OR (OLD.foreign_amount IS NOT NULL OR OLD.suspense_residual <> OLD.amount)
                AND (OLD.foreign_amount, OLD.foreign_currency) IS DISTINCT FROM
                    (NEW.foreign_amount, NEW.foreign_currency)))
    EXECUTE FUNCTION journals_line_amounts_stay();
"""

REVERSE = """
DROP TRIGGER line_amounts_stay ON journals_line;
DROP FUNCTION journals_line_amounts_stay();
DROP TRIGGER line_amounts_agree ON journals_line;
DROP FUNCTION journals_line_amounts_agree();
"""


class Migration(migrations.Migration):
    dependencies = [("companies", "0003_lock_dates_by_type"), ("journals", "0007_bank_files")]

    operations = [
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=Q(foreign_amount=None, foreign_currency="")
                | Q(foreign_amount__isnull=False) & ~Q(foreign_currency="") & ~Q(foreign_currency=F("currency")),
                name="line_foreign_both_or_none",
            ),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=~Q(status__in=["posted", "withdrawn"]) | Q(company_amount__isnull=False),
                name="line_posted_has_company_amount",
            ),
        ),
        migrations.RunSQL(FORWARD, REVERSE),
    ]
