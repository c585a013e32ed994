/* page.c: the status page's files, as they stand in page/: part of the program, so that
 * there is nothing to install and nothing to fetch from elsewhere. They show what the
 * API says; nothing is put together here. */
#include <string.h>
#include <zlib.h>

#include "agent/http/routes.h"

/* Puts a file between two symbols. The assembler does it, for C has no word for it. */
#define FILE_BYTES(symbol, path)                                                                   \
	__asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" path "\"\n" #symbol               \
		"_end:\n.byte 0\n.popsection\n");                                                  \
	extern const char symbol[], symbol##_end[]

FILE_BYTES(page_index_html, "agent/http/page/index.html");
FILE_BYTES(page_page_css, "agent/http/page/page.css");
FILE_BYTES(page_base_js, "agent/http/page/base.js");
FILE_BYTES(page_pool_js, "agent/http/page/pool.js");
FILE_BYTES(page_lists_js, "agent/http/page/lists.js");
FILE_BYTES(page_dialogs_js, "agent/http/page/dialogs.js");
FILE_BYTES(page_page_js, "agent/http/page/page.js");
FILE_BYTES(page_icon_svg, "agent/http/page/icon.svg");

static const char javascript[] = "text/javascript; charset=utf-8";

static const struct {
	const char *path, *type;
	const char *bytes, *end;
} files[] = {
	{ "/", "text/html; charset=utf-8", page_index_html, page_index_html_end },
	{ "/page/page.css", "text/css; charset=utf-8", page_page_css, page_page_css_end },
	{ "/page/base.js", javascript, page_base_js, page_base_js_end },
	{ "/page/pool.js", javascript, page_pool_js, page_pool_js_end },
	{ "/page/lists.js", javascript, page_lists_js, page_lists_js_end },
	{ "/page/dialogs.js", javascript, page_dialogs_js, page_dialogs_js_end },
	{ "/page/page.js", javascript, page_page_js, page_page_js_end },
	{ "/page/icon.svg", "image/svg+xml", page_icon_svg, page_icon_svg_end },
};

/* Nothing from elsewhere, nothing inline, in nobody's frame. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
			     "img-src 'self'; connect-src 'self'; base-uri 'none'; "
			     "form-action 'none'; frame-ancestors 'none'";

/* The tag is of the bytes: after an upgrade every file is fetched anew. */
static void answer(struct http_request *r, size_t file)
{
	size_t len = (size_t)(files[file].end - files[file].bytes);
	const char *known = http_header(r, "If-None-Match");
	struct buf tag = BUF_INIT, body = BUF_INIT;

	buf_printf(&tag, "\"%08lx-%zx\"",
		   crc32(0, (const unsigned char *)files[file].bytes, (uInt)len), len);
	http_add_header(r, "Content-Security-Policy", policy);
	http_add_header(r, "Referrer-Policy", "no-referrer");
	http_add_header(r, "Cache-Control", "no-cache");
	http_add_header(r, "ETag", buf_str(&tag));
	if (known && strcmp(known, buf_str(&tag)) == 0) {
		http_answer(r, 304, files[file].type, &body);
	} else {
		buf_put(&body, files[file].bytes, len);
		http_answer(r, 200, files[file].type, &body);
	}
	buf_fini(&tag);
}

void http_page(struct http_request *r)
{
	for (size_t i = 0; i < countof(files); i++) {
		if (strcmp(files[i].path, r->path) == 0) {
			answer(r, i);
			return;
		}
	}
	http_error(r, 404, "there is nothing here");
}
