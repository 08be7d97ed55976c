/**
 * The card by which clients find out what an agent can do and where it is.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type { Agent } from "./Agent.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where clients reach it, the preferred way first; a URL alone is that of its JSON-RPC. */
  readonly interfaces: ReadonlyArray<string | (Pick<A2A.AgentInterface, "url"> & Partial<A2A.AgentInterface>)>
  readonly provider?: A2A.AgentProvider | undefined
  readonly documentationUrl?: string | undefined
  readonly iconUrl?: string | undefined
  /** Whether clients may ask to be notified by a webhook. Default: false. */
  readonly pushNotifications?: boolean | undefined
  /** Whether there is another card for who is authenticated. Default: false. */
  readonly extendedAgentCard?: boolean | undefined
  readonly securitySchemes?: A2A.AgentCard["securitySchemes"] | undefined
  readonly securityRequirements?: ReadonlyArray<A2A.SecurityRequirement> | undefined
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = (agent: Agent<any>, options: Options): A2A.AgentCard => ({
  name: agent.name,
  description: agent.description,
  version: agent.version,
  supportedInterfaces: options.interfaces.map((given) => ({
    protocolBinding: "JSONRPC",
    protocolVersion,
    tenant: "",
    ...(typeof given === "string" ? { url: given } : given)
  })),
  provider: options.provider,
  documentationUrl: options.documentationUrl,
  iconUrl: options.iconUrl,
  capabilities: {
    streaming: true,
    pushNotifications: options.pushNotifications ?? false,
    extendedAgentCard: options.extendedAgentCard ?? false,
    extensions: Array.from(agent.extensions)
  },
  securitySchemes: options.securitySchemes ?? {},
  securityRequirements: Array.from(options.securityRequirements ?? []),
  defaultInputModes: Array.from(agent.inputModes),
  defaultOutputModes: Array.from(agent.outputModes),
  skills: Array.from(agent.skills),
  signatures: []
})

const protocolVersion = "1.0"
