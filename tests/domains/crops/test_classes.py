import pytest

from core.packs import superclasses_of
from core.service.data.labels import flag_positive
from domains.crops import pack
from domains.crops.classes import crop_of_label, crop_of_product


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("tomato_healthy", "healthy"),
        ("healthy", "healthy"),
        ("rice_nitrogen_adequate", "healthy"),
        ("rice_nitrogen_deficient", "deficient"),
        ("citrus_iron_deficiency", "deficient"),
        ("coffee_leaf_miner", "pest"),
        ("tomato_spider_mites", "pest"),
        ("maize_fall_armyworm", "pest"),
        ("coffee_rust", "diseased"),
        ("potato_late_blight", "diseased"),
        ("rust", "diseased"),
        ("bean_mitefree_spot", "diseased"),
    ],
)
def test_every_label_rolls_up_to_what_it_is(label, expected):
    classes = ("corn_healthy", "corn_common_rust", label)
    positive = flag_positive(classes, pack.negative_labels)

    assert superclasses_of(pack, classes, positive)[2] == expected


@pytest.mark.parametrize(
    ("label", "crop"),
    [
        ("tomato_early_blight", "tomato"),
        ("Tomato___Early_blight", "tomato"),
        ("sweet_potato_rust", "sweet_potato"),
        ("rust", ""),
        ("early_blight", ""),
        ("powdery_mildew", ""),
        ("no_disease", ""),
    ],
)
def test_a_label_names_its_crop_first_or_none(label, crop):
    assert crop_of_label(label) == crop


@pytest.mark.parametrize(
    ("product", "crop"),
    [("", ""), ("tomato", "tomato"), ("Tomato / north field", "tomato"), ("/north field", ""),
     ("Sweet potato", "sweet_potato")],
)  # fmt: skip
def test_a_product_names_a_crop_before_the_slash(product, crop):
    assert crop_of_product(product) == crop
