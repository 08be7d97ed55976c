/**
 * Tasks over HTTP: defined once, started, followed and cancelled by any client.
 * Needs no platform package; a server to mount it on comes from
 * `@effect/platform-node`.
 *
 * @since 0.1.0
 */
export * as BearerTokens from "./BearerTokens.ts"
export * as BulkCancel from "./BulkCancel.ts"
export * as CancelCall from "./CancelCall.ts"
export * as Cors from "./Cors.ts"
export * as CancelMiddleware from "./CancelMiddleware.ts"
export * as Drain from "./Drain.ts"
export * as EventLog from "./EventLog.ts"
export * as EventStream from "./EventStream.ts"
export * as Health from "./Health.ts"
export * as JsonBody from "./JsonBody.ts"
export { OpenStreams } from "./OpenStreams.ts"
export * as Problem from "./Problem.ts"
export * as PublicOutcome from "./PublicOutcome.ts"
export * as RemoteEvent from "./RemoteEvent.ts"
export type { RemoteTask, WatchOptions } from "./RemoteTask.ts"
export * as RequestCancelled from "./RequestCancelled.ts"
export * as RequestDeadline from "./RequestDeadline.ts"
export { RunningHandlers } from "./RunningHandlers.ts"
export * as ServerClose from "./ServerClose.ts"
export * as ServerMain from "./ServerMain.ts"
export * as ServerMetrics from "./ServerMetrics.ts"
export * as ServerStart from "./ServerStart.ts"
export * as StreamMetrics from "./StreamMetrics.ts"
export * as TaskAccess from "./TaskAccess.ts"
export * as TaskApi from "./TaskApi.ts"
export * as TaskClient from "./TaskClient.ts"
export * as TaskClientError from "./TaskClientError.ts"
export * as TaskDefinition from "./TaskDefinition.ts"
export * as TaskLabel from "./TaskLabel.ts"
export * as TaskServer from "./TaskServer.ts"
export * as TaskView from "./TaskView.ts"
export * as WireEvent from "./WireEvent.ts"
