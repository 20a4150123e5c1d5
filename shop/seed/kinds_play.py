"""Toys, electronics and things for outdoors."""

from shop.seed.kinds import GADGET, GEAR, Kind, kind

PLAY = "red,blue,yellow,green,orange,turquoise,teal,coral"

KINDS: list[Kind] = [
    kind(
        "plush toy",
        "Toys",
        "Plush toys",
        (14, 48),
        "plush",
        "plain",
        "camel,grey,rust,blush,ivory,sky blue,brown,lilac,mint,sand",
        {
            "bear": ("teddy bear", "A round-eared bear with a patient look."),
            "rabbit": ("plush rabbit", "The rabbit's long ears are good for carrying it by."),
            "elephant": ("plush elephant", "A soft elephant with ears like blankets."),
            "fox": (
                "plush fox",
                "Pointed ears and pale cheeks make the fox look cleverer than it is.",
            ),
        },
        (
            "Soft, brave and ready for bed.",
            "A friend for the first years and a shelf for the later ones.",
            "Made to be hugged, dropped, washed and hugged again.",
        ),
        (
            "Eyes and nose are fixed safely and tested.",
            "Filled with recycled fibre.",
            "It sits up by itself, mostly.",
        ),
        age="from birth,from 1 year,from 3 years",
        size="25 cm,35 cm,45 cm",
    ),
    kind(
        "building blocks",
        "Toys",
        "Building blocks",
        (16, 75),
        "plastic,beech",
        "plain",
        PLAY,
        {
            "studded": (
                "studded building bricks",
                "Bricks with studs that click together and come apart without tears.",
            ),
            "wooden": (
                "wooden building blocks",
                "Simple cubes, beams and a roof: towers start here.",
            ),
            "castle": ("castle blocks", "Turrets, arches and gables for a castle and its enemies."),
            "arches": (
                "bridge and arch blocks",
                "Arches and pillars teach small builders how bridges stand.",
            ),
        },
        (
            "A box of beginnings.",
            "Quiet concentration, then a crash, then again.",
            "Fewer instructions, more ideas.",
        ),
        (
            "The edges are rounded and the colours safe to chew.",
            "Comes in a box with a lid that survives.",
            "Sets combine with one another.",
        ),
        age="from 1 year,from 3 years,from 5 years",
        pieces="24,40,60",
    ),
    kind(
        "puzzle",
        "Toys",
        "Puzzles",
        (9, 32),
        "board",
        "plain",
        PLAY + ",navy,lilac,forest green",
        {
            "landscape": ("landscape puzzle", "Hills in layers of colour under a low sun."),
            "shapes": ("geometric puzzle", "A geometric pattern that is harder than it looks."),
            "animals": ("animal puzzle", "A friendly herd in big, clear shapes for small hands."),
            "map": ("map puzzle", "An imaginary map of islands and seas, with lines to steer by."),
        },
        (
            "A rainy afternoon in a box.",
            "Thick pieces with a clean fit.",
            "For one person with patience or four without.",
        ),
        (
            "Printed on recycled board with vegetable inks.",
            "A poster of the picture is in the box.",
            "Every piece is cut in a different shape.",
        ),
        age="from 3 years,from 6 years,from 12 years",
        pieces="20,100,500",
    ),
    kind(
        "headphones",
        "Electronics",
        "Headphones",
        (39, 320),
        "plastic,aluminium",
        "plain",
        GADGET,
        {
            "over-ear": ("over-ear headphones", "Over-ear cushions close out the room."),
            "on-ear": ("on-ear headphones", "Light on-ear headphones that fold flat."),
            "studio": (
                "studio headphones",
                "Open studio headphones with a cable that can be replaced.",
            ),
            "earbuds": (
                "wireless earbuds",
                "Wireless earbuds in a case that charges them four times over.",
            ),
        },
        (
            "Hear the record, not the headphones.",
            "Comfortable for the length of a flight.",
            "Clear at low volume, calm at high.",
        ),
        (
            "Thirty hours on one charge.",
            "Pairs with two devices at once.",
            "Ear cushions can be replaced without tools.",
        ),
        style="minimal,studio,sport",
        connection="Bluetooth,cable and Bluetooth",
    ),
    kind(
        "speaker",
        "Electronics",
        "Speakers",
        (49, 590),
        "plastic,walnut,oak",
        "plain",
        GADGET,
        {
            "bookshelf": (
                "bookshelf speaker",
                "A two-way bookshelf speaker with a cabinet that does not ring.",
            ),
            "portable": ("portable speaker", "Portable, splash-proof and louder than its size."),
            "cylinder": (
                "wireless speaker",
                "A cylinder that fills a room evenly from any corner.",
            ),
            "soundbar": ("soundbar", "The soundbar lies under the screen and makes voices clear."),
        },
        (
            "Fills the kitchen, spares the neighbours.",
            "Sound with room to breathe.",
            "Set it down, press one button, and that is all.",
        ),
        (
            "Two of them make a stereo pair.",
            "Plays for fifteen hours away from a socket.",
            "The cloth front comes off for dusting.",
        ),
        style="minimal,retro,modern",
        connection="Bluetooth,Wi-Fi and Bluetooth",
    ),
    kind(
        "camera",
        "Electronics",
        "Cameras",
        (69, 990),
        "leather,plastic,aluminium",
        "plain",
        GADGET + ",brown,mustard,tan",
        {
            "rangefinder": (
                "rangefinder camera",
                "A rangefinder with real dials and a quiet shutter.",
            ),
            "slr": (
                "SLR camera",
                "The SLR grip and viewfinder are made for whole days of pictures.",
            ),
            "compact": (
                "compact camera",
                "A compact that lives in a pocket and starts in a second.",
            ),
            "instant": (
                "instant camera",
                "An instant camera that hands you the picture while the moment is still going on.",
            ),
        },
        (
            "For people who still like to press a button.",
            "Pictures you will want to print.",
            "Simple controls, a serious lens.",
        ),
        (
            "A neck strap and a lens cap are included.",
            "The battery lasts for a weekend away.",
            "It focuses from 30 centimetres to the horizon.",
        ),
        style="retro,modern,professional",
        resolution="16 MP,24 MP,instant film",
    ),
    kind(
        "tent",
        "Outdoor",
        "Tents",
        (89, 620),
        "nylon,canvas",
        "plain",
        GEAR,
        {
            "dome": ("dome tent", "A dome tent on two crossed poles, up in six minutes."),
            "ridge": (
                "ridge tent",
                "The classic ridge tent, with a pole at each end and a door in front.",
            ),
            "tunnel": ("tunnel tent", "Hoops make a tunnel with room for bags, boots and a dog."),
            "bell": (
                "bell tent",
                "A bell tent that you can stand up in, with one pole in the middle.",
            ),
        },
        (
            "Somewhere dry to listen to the rain.",
            "Packs small, stands firm.",
            "A second home that fits in a car boot.",
        ),
        (
            "Seams are taped and the floor is welded.",
            "Guy lines reflect in torchlight.",
            "Pitch it all in one, or the inner alone on hot nights.",
        ),
        sleeps="2,3,4,6",
        style="trekking,family",
    ),
    kind(
        "sleeping bag",
        "Outdoor",
        "Sleeping bags",
        (45, 240),
        "nylon",
        "plain",
        GEAR,
        {
            "mummy": ("mummy sleeping bag", "The mummy cut and shaped hood waste no warmth."),
            "rectangular": (
                "rectangular sleeping bag",
                "Rectangular, with room to turn, and it opens flat as a quilt.",
            ),
            "rolled": (
                "roll-up sleeping bag",
                "Rolls up by itself, almost, and buckles with two straps.",
            ),
        },
        (
            "A good night, wherever it is.",
            "Warm from the first minute.",
            "Light enough to carry up, soft enough to stay in.",
        ),
        (
            "The zip runs from either side and does not catch.",
            "It comes with a stuff sack.",
            "Two of them can be zipped together.",
        ),
        temperature="+10 °C,0 °C,−7 °C",
        style="trekking,family",
    ),
    kind(
        "water bottle",
        "Outdoor",
        "Water bottles",
        (16, 48),
        "stainless steel",
        "plain,ombre,plain,colour block",
        GEAR + ",white,blush,sage,black",
        {
            "slim": (
                "slim water bottle",
                "A slim bottle that fits the side pocket of any backpack.",
            ),
            "wide mouth": (
                "wide-mouth water bottle",
                "The wide mouth takes ice and a brush, and the loop takes a finger.",
            ),
            "flask": ("vacuum flask", "A flask that keeps tea hot until the way down."),
            "sports": ("sports water bottle", "A soft spout for drinking on the move."),
        },
        (
            "Water, wherever you are going.",
            "It does not leak, and that is the main thing.",
            "Tough enough for the bottom of a bag.",
        ),
        (
            "Cold for a day, hot for twelve hours.",
            "All parts come apart for cleaning.",
            "Free of BPA.",
        ),
        capacity="0.5 l,0.75 l,1 l",
        style="sport,everyday",
    ),
]
