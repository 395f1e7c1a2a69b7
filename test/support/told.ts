// What a gateway of a test told of its requests: their lines, their counts, and the ids that clients saw.
import type { TestGateway } from './test-gateway.ts'

export const requestLines = ({ lines }: TestGateway) => lines.filter(({ message }) => message === 'request')

export async function countsOf({ gateway }: TestGateway): Promise<Map<string, number>> {
  const text = await gateway.metrics.text()
  return new Map(
    [...text.matchAll(/^tollgate_requests_total\{route="([^"]*)",status="(\d+)"\} (\d+)$/gm)].map(
      ([, route = '', status = '', count]) => [`${route} ${status}`, Number(count)],
    ),
  )
}

export const idsIn = (received: string) => [...received.matchAll(/^x-request-id: (.*)\r$/gim)].map(([, id]) => id)
