/** A screenshot that somebody showed. No address opens it: it is asked for like everything else, and shown as data. */
import { useQuery } from '@tanstack/react-query';
import { file } from '../api.ts';
import { Shown } from '../ui/states.tsx';

interface ProofImageProps {
  /** Of the API. */
  readonly path: string;
  readonly alt: string;
}

export function ProofImage({ path, alt }: ProofImageProps) {
  const image = useQuery({
    queryKey: ['proof', path],
    queryFn: async () => await asData(await file(path)),
    // What was shown does not change: an image that is here is not asked for anew with whatever happens besides. Nor is it kept
    // for later: whoever comes back asks whether it still is.
    enabled: ({ state }) => state.data === undefined,
    gcTime: 0,
  });
  return <Shown of={image}>{(data) => <img className="proof" src={data} alt={alt} />}</Shown>;
}

const asData = (image: Blob): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error('The image cannot be read.'));
    reader.readAsDataURL(image);
  });
