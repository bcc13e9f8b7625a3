"""What lines were booked to accounts of customers and suppliers is open from now on, as new bookings are (16.1)."""

from django.db import migrations

FORWARD = """
UPDATE ledger_entryitem item SET residual = item.amount, residual_currency = item.amount_currency
  FROM reconcile_matchpart part
  JOIN reconcile_matchgroup made ON made.id = part.group_id AND made.undone_at IS NULL
  JOIN ledger_ledgeraccount account ON account.id = part.account_id AND account.reconcilable
 WHERE item.id = part.counterpart_id AND part.open_item_id IS NULL AND item.residual IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("reconcile", "0005_settings"), ("ledger", "0010_numbers_without_gaps")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
