"""The WSGI application that granian serves: the public API in front, Django behind it."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostro.web.settings")

from django.core.wsgi import get_wsgi_application

_django = get_wsgi_application()

# Only now, because the API's modules use models, which exist once Django is set up.
from nostro.hub.api.dispatcher import Dispatcher  # noqa: E402
from nostro.hub.api.request_log import Recorder  # noqa: E402

application = Dispatcher(_django, record=Recorder().add)
