/** Listens on loopback with the shortest queue there is, and prints its port. */
import { createServer, type AddressInfo } from 'node:net'

const server = createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  console.log((server.address() as AddressInfo).port) // it listens on TCP
})
