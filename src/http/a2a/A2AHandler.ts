/**
 * The engine behind the SDK's `A2ARequestHandler`, so that it serves any of the
 * SDK's transports: express, JSON-RPC, gRPC, or your own.
 *
 * @since 0.1.0
 */
import type { A2ARequestHandler } from "@a2a-js/sdk/server"
import type { AgentEngine } from "./AgentEngine.ts"

/**
 * @category constructors
 * @since 0.1.0
 */
export declare const make: (engine: AgentEngine) => A2ARequestHandler
