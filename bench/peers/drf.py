"""The page of bench/api.py as one would write it with Django REST framework and its JSON:API package.

Token and grant are looked up through the ORM, the page comes from a queryset, the serializer names the 23 attributes
of hub-api.md 7.2 and the renderer writes JSON:API. No middleware, so that only the framework itself is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.test import APIRequestFactory
from rest_framework_json_api import serializers, views
from rest_framework_json_api.renderers import JSONRenderer

from nostro.hub.accounts.models import Transaction
from nostro.hub.integrations.credentials import token_checksum
from nostro.hub.integrations.models import IntegrationAccount


class _Bearer(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        checksum = token_checksum(request.headers.get("Authorization", "")[7:])
        tokens = get_access_token_model().objects.select_related("application")
        token = tokens.filter(token_checksum=checksum, expires__gt=timezone.now(), application__revoked_at=None).first()
        if token is None:
            raise AuthenticationFailed
        return _Caller(token.application), token


class _Caller:
    is_authenticated = True

    def __init__(self, integration: Any) -> None:
        self.integration = integration


class _Serializer(serializers.ModelSerializer):
    execution_date = serializers.DateField(source="booking_date")
    fee = serializers.DecimalField(max_digits=38, decimal_places=10, coerce_to_string=False)
    amount = serializers.DecimalField(max_digits=38, decimal_places=10, coerce_to_string=False)
    remittance_information_type = serializers.SerializerMethodField()
    internal_reference = serializers.CharField(source="entry_reference")
    card_reference = serializers.CharField(source="masked_pan")
    card_reference_type = serializers.SerializerMethodField()
    description = serializers.CharField(source="additional_information")
    digest = serializers.SerializerMethodField()

    class Meta:
        model = Transaction
        resource_name = "transaction"
        fields = (
            "value_date", "execution_date", "amount", "currency", "description", "counterpart_name",
            "counterpart_reference", "remittance_information", "remittance_information_type",
            "bank_transaction_code", "proprietary_bank_transaction_code", "purpose_code", "end_to_end_id",
            "mandate_id", "creditor_id", "additional_information", "internal_reference", "card_reference",
            "card_reference_type", "fee", "digest", "created_at", "updated_at", "account",
        )  # fmt: skip

    def get_remittance_information_type(self, row: Any) -> str:
        return "structured" if row.remittance_structured and not row.remittance_unstructured else "unstructured"

    def get_card_reference_type(self, row: Any) -> str | None:
        return "MASKEDPAN" if row.masked_pan else None

    def get_digest(self, row: Any) -> str:
        return bytes(row.digest).hex()


class _Pages(CursorPagination):
    ordering = "-sequence"
    page_size = 100


class _View(views.ReadOnlyModelViewSet):
    # With the account, which the package would otherwise fetch row by row.
    queryset = Transaction.objects.select_related("account")
    serializer_class = _Serializer
    authentication_classes = (_Bearer,)
    permission_classes = (IsAuthenticated,)
    pagination_class = _Pages
    renderer_classes = (JSONRenderer,)
    filter_backends = ()
    resource_name = "transaction"

    def get_queryset(self) -> Any:
        account_id = self.kwargs["account_id"]
        grants = IntegrationAccount.objects.filter(
            integration=self.request.user.integration, account_id=account_id, removed_at=None
        )
        return super().get_queryset().filter(account_id=grants.values("account_id")[:1], removed_at=None)


def page_of(account_id: UUID, token: str) -> Callable[[], bytes]:
    """A function that answers the page once."""
    from django.conf import settings

    # The package's own setting for names in camelCase, as an application would have it.
    settings.JSON_API_FORMAT_FIELD_NAMES = "camelize"
    view = _View.as_view({"get": "list"})
    factory = APIRequestFactory()

    def fetch() -> bytes:
        request = factory.get(f"/accounts/{account_id}/transactions", HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = view(request, account_id=account_id)
        assert answer.status_code == 200, answer.status_code
        answer.render()
        return bytes(answer.content)

    return fetch
