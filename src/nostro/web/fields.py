"""Column types that every room uses."""

from __future__ import annotations

from typing import Any

from django.db import models

from nostro.core.ids import new_id


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """An exact amount, stored as PostgreSQL ``numeric`` without a fixed scale.

    A fixed scale would turn JPY 120 into 120.00 and cut the third decimal of KWD; the scale belongs to the currency
    beside the amount.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 36
        kwargs["decimal_places"] = 12
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_digits", None)
        kwargs.pop("decimal_places", None)
        return name, path, args, kwargs

    def db_type(self, connection: Any) -> str:
        return "numeric"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        # Django would round to decimal_places and keep trailing zeros; the exact value goes through as it is.
        return value if prepared else self.to_python(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.to_python(value)


class IdField(models.UUIDField):  # type: ignore[type-arg]
    """A primary key that is a UUIDv7."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("primary_key", True)
        kwargs.setdefault("default", new_id)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)
