"""Syncs devices with Microsoft's Graph SDK for Python, as people write it: a loop.

    sync_loop.py BASE_URL TOKEN retry|plain FILE_OF_IDS

`retry` leaves the SDK as it comes, with its retry middleware; `plain` tells that to try nothing again. The token is given,
because the SDK's own credentials refuse an authority without TLS.
"""

import asyncio
import sys
from pathlib import Path

from kiota_abstractions.api_error import APIError
from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator, BaseBearerTokenAuthenticationProvider
from kiota_http.middleware.options import RetryHandlerOption
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory


class Given(AccessTokenProvider):
    """A token that is there already."""

    def __init__(self, token):
        self.token = token

    async def get_authorization_token(self, uri, additional_authentication_context={}):
        return self.token

    def get_allowed_hosts_validator(self):
        return AllowedHostsValidator(["127.0.0.1"])


async def main():
    base_url, token, mode, file = sys.argv[1:]
    chosen = dict(options)
    if mode == "plain":
        chosen[RetryHandlerOption.get_key()] = RetryHandlerOption(max_retries=0, should_retry=False)
    http = GraphClientFactory.create_with_default_middleware(options=chosen)
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Given(token)), http)
    adapter.base_url = f"{base_url}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)
    failed = []
    for device in Path(file).read_text().split():
        try:
            await graph.device_management.managed_devices.by_managed_device_id(device).sync_device.post()
        except APIError:
            failed.append(device)
    print(f"{len(failed)} failed")


asyncio.run(main())
