import type { AgentServer } from "../Contestant.ts"
import { rescind } from "./rescind.ts"
import { sdk } from "./sdk.ts"

export const agentServers: { readonly [name: string]: () => Promise<AgentServer> } = { rescind, sdk }
