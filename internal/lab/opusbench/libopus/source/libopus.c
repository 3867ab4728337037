/* Opus as Debian's libopus does it, for s2c's measurements and tests.
 *
 *   libopus encode RATE SAMPLES COMPLEXITY LOSS MODE < sound > records
 *   libopus decode SAMPLES < records > sound
 *
 * Sound is raw: 48 kHz, mono, 16 bits in the order of this machine. A record is
 * a kind, the size of a packet in 16 bits, the final state of its range coder in
 * 32, both little endian, and the packet. The kinds:
 *
 *   p  a packet
 *   l  nothing: what was lost is made up
 *   f  a packet whose copy of the one before, which was lost, is decoded; the
 *      same packet follows as p
 *
 * MODE is voip, with a constant bit rate as s2c has it, or one of silk, hybrid
 * and celt, which force that part of Opus. The last line on the standard error
 * says what the coding cost: the processor time in nanoseconds, and how many
 * final states were other than the records say.
 */
#include <opus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SAMPLES 960
#define MAX_PACKET 400

/* Not in opus.h, since it is meant for tests. */
#define SET_FORCE_MODE(x) 11002, (opus_int32)(x)
enum { SILK = 1000, HYBRID = 1001, CELT = 1002 };

static int64_t spent; /* ns */

static int64_t processor(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static void check(int code, const char *what)
{
	if (code >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, opus_strerror(code));
	exit(1);
}

static void record(int kind, int size, uint32_t range, const unsigned char *packet)
{
	unsigned char head[7] = {kind, size, size >> 8, range, range >> 8, range >> 16, range >> 24};
	fwrite(head, 1, sizeof head, stdout);
	fwrite(packet, 1, size, stdout);
}

static void force(OpusEncoder *e, const char *mode)
{
	int number = 0;
	if (!strcmp(mode, "silk")) {
		number = SILK;
		check(opus_encoder_ctl(e, OPUS_SET_BANDWIDTH(OPUS_BANDWIDTH_WIDEBAND)), "bandwidth");
	} else if (!strcmp(mode, "hybrid")) {
		number = HYBRID;
		check(opus_encoder_ctl(e, OPUS_SET_BANDWIDTH(OPUS_BANDWIDTH_FULLBAND)), "bandwidth");
	} else if (!strcmp(mode, "celt")) {
		number = CELT;
	}
	if (number)
		check(opus_encoder_ctl(e, SET_FORCE_MODE(number)), "mode");
}

static void encode(char **arg)
{
	int samples = atoi(arg[1]), loss = atoi(arg[3]), code;
	OpusEncoder *e = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &code);
	check(code, "encoder");
	check(opus_encoder_ctl(e, OPUS_SET_BITRATE(atoi(arg[0]))), "bit rate");
	check(opus_encoder_ctl(e, OPUS_SET_VBR(0)), "constant bit rate");
	check(opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(atoi(arg[2]))), "complexity");
	check(opus_encoder_ctl(e, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)), "signal");
	check(opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(loss > 0)), "copies");
	check(opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(loss)), "loss");
	force(e, arg[4]);
	int16_t pcm[MAX_SAMPLES];
	unsigned char packet[MAX_PACKET];
	while (fread(pcm, sizeof *pcm, samples, stdin) == (size_t)samples) {
		uint32_t range;
		int64_t begin = processor();
		int n = opus_encode(e, pcm, samples, packet, sizeof packet);
		spent += processor() - begin;
		check(n, "encode");
		opus_encoder_ctl(e, OPUS_GET_FINAL_RANGE(&range));
		record('p', n, range, packet);
	}
	fprintf(stderr, "%lld 0\n", (long long)spent);
}

static void decode(char **arg)
{
	int samples = atoi(arg[0]), code, wrong = 0;
	OpusDecoder *d = opus_decoder_create(48000, 1, &code);
	check(code, "decoder");
	int16_t pcm[MAX_SAMPLES];
	unsigned char head[7], packet[65536];
	while (fread(head, 1, sizeof head, stdin) == sizeof head) {
		int size = head[1] | head[2] << 8, kind = head[0];
		uint32_t want = head[3] | head[4] << 8 | head[5] << 16 | (uint32_t)head[6] << 24, range;
		if (fread(packet, 1, size, stdin) != (size_t)size)
			break;
		int64_t begin = processor();
		int n = opus_decode(d, kind == 'l' ? NULL : packet, kind == 'l' ? 0 : size, pcm, samples, kind == 'f');
		spent += processor() - begin;
		check(n, "decode");
		opus_decoder_ctl(d, OPUS_GET_FINAL_RANGE(&range));
		if (kind == 'p' && range != want)
			wrong++;
		fwrite(pcm, sizeof *pcm, n, stdout);
	}
	fprintf(stderr, "%lld %d\n", (long long)spent, wrong);
}

int main(int count, char **arg)
{
	if (count == 2 && !strcmp(arg[1], "version"))
		return puts(opus_get_version_string()) < 0;
	int samples = count == 7 ? atoi(arg[3]) : count == 3 ? atoi(arg[2]) : 0;
	if (samples < 1 || samples > MAX_SAMPLES) {
		fprintf(stderr, "usage: libopus encode RATE SAMPLES COMPLEXITY LOSS MODE | decode SAMPLES | version\n");
		return 2;
	}
	if (!strcmp(arg[1], "encode"))
		encode(arg + 2);
	else
		decode(arg + 2);
	return fflush(stdout) != 0;
}
