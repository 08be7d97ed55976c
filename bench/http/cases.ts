import { cancelCases } from "./a2a/cancels.ts"
import { memoryCase as agentMemoryCase } from "./a2a/memory.ts"
import { throughputCases } from "./a2a/throughput.ts"
import { fanOutCases } from "./fanOut/fanOut.ts"
import { memoryCase } from "./fanOut/memory.ts"
import type { HttpCase } from "./HttpCase.ts"
import { requestsCase } from "./requests/requests.ts"

export const httpCases: ReadonlyArray<HttpCase> = [
  ...fanOutCases,
  memoryCase,
  requestsCase,
  ...throughputCases,
  ...cancelCases,
  agentMemoryCase
]
