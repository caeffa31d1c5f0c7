/** Bytes to a server and back: what no HTTP client shows of an exchange. */
import { connect } from 'node:net';

/** All that the server says until it ends the connection. */
export async function rawExchange(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(Number.parseInt(port, 10), hostname, () => socket.write(request));
    socket.setEncoding('utf8');
    socket.on('data', (more: string) => {
      heard += more;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
  });
}
