/**
 * Agents that others talk to over A2A, and whose cancel really cancels. Needs the
 * protocol's SDK, `@a2a-js/sdk`, an optional peer.
 *
 * @since 0.1.0
 */
export * as A2AHandler from "./A2AHandler.ts"
export * as A2AServer from "./A2AServer.ts"
export * as Agent from "./Agent.ts"
export * as AgentEngine from "./AgentEngine.ts"
export * as AgentExecutor from "./AgentExecutor.ts"
export * as Card from "./Card.ts"
export * as Content from "./Content.ts"
export * as RemoteAgent from "./RemoteAgent.ts"
export {
  AgentCancelled,
  AgentFailed,
  AgentRefused,
  AgentRejected,
  AgentUnreachable,
  AgentUnreadable,
  AnswerLost,
  type CallError,
  InputRequired,
  type RemoteAgentError
} from "./RemoteAgentError.ts"
export type { Answer, Question, SendOptions } from "./RemoteCall.ts"
export { type ArtifactOptions, Rejected, type Turn } from "./Turn.ts"
export { Unavailable } from "./Unavailable.ts"
export * as Webhook from "./Webhook.ts"
