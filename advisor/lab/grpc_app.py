"""What the inference server answers over gRPC: health, metadata and inference of one model."""

from typing import Any

from advisor.errors import MeasureError
from advisor.lab.grpc_messages import SERVICE, channel_options, message_class, response_of, tensors_in
from advisor.lab.kserve import TIMING, WORKERS
from advisor.lab.model_service import VERSIONS, ModelService

_METHODS = ("ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer")


class GrpcApp:
    """Service of KServe v2 that answers for one model.

    Parameters
    ----------
    service : ModelService
        Model that it answers for.
    """

    def __init__(self, service: ModelService) -> None:
        self._service = service

    async def listening(self, host: str, port: int) -> tuple[Any, int]:
        """Server that has started, and its port.

        Raises
        ------
        MeasureError
            If it cannot listen there.
        """
        import grpc

        server = grpc.aio.server(options=channel_options())
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers()),))
        place = f"[{host}]" if ":" in host else host
        try:
            bound = server.add_insecure_port(f"{place}:{port}")
        except RuntimeError:
            raise MeasureError("serve_address_grpc", host=host, port=port) from None
        await server.start()
        return server, bound

    def _handlers(self) -> dict[str, Any]:
        import grpc

        return {
            name: grpc.unary_unary_rpc_method_handler(
                getattr(self, name),
                request_deserializer=message_class(f"{name}Request").FromString,
                response_serializer=message_class(f"{name}Response").SerializeToString,
            )
            for name in _METHODS
        }

    async def ServerLive(self, _: Any, __: Any) -> Any:  # noqa: N802 -- the names are those of the protocol
        """Whether the server is there."""
        return message_class("ServerLiveResponse")(live=True)

    async def ServerReady(self, _: Any, __: Any) -> Any:  # noqa: N802
        """Whether the server takes requests."""
        return message_class("ServerReadyResponse")(ready=True)

    async def ServerMetadata(self, _: Any, __: Any) -> Any:  # noqa: N802
        """What the server is."""
        return message_class("ServerMetadataResponse")(name="advisor", version="2")

    async def ModelReady(self, request: Any, _: Any) -> Any:  # noqa: N802
        """Whether a model is the one that is served."""
        return message_class("ModelReadyResponse")(ready=self._knows(request.name, request.version))

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Names, types and shapes of what the model takes and gives."""
        await self._check(request.name, request.version, context)
        return message_class("ModelMetadataResponse")(**self._service.metadata)

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Outputs of the model; the times in the server are in the metadata that follow the answer."""
        import grpc

        await self._check(request.model_name, request.model_version, context)
        self._service.stall()
        try:
            outputs, times = await self._service.inferred(tensors_in(request, self._service.takes))
        except MeasureError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        context.set_trailing_metadata(((TIMING, times), (WORKERS, str(self._service.workers.count))))
        return response_of(self._service.name, request.id, outputs)

    def _knows(self, name: str, version: str) -> bool:
        return name == self._service.name and version in VERSIONS

    async def _check(self, name: str, version: str, context: Any) -> None:
        import grpc

        if not self._knows(name, version):
            error = MeasureError("field", field="model", value=f"{name} {version}".strip(), must=self._service.name)
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
